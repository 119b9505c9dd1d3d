LOCK TABLE public.customers IN SHARE ROW EXCLUSIVE MODE;
UPDATE public.customers AS target
SET email = CASE WHEN target.email IS NOT DISTINCT FROM saved.new_email THEN saved.old_email ELSE target.email END,
    name = CASE WHEN target.name IS NOT DISTINCT FROM saved.new_name THEN saved.old_name ELSE target.name END,
    phone = CASE WHEN target.phone IS NOT DISTINCT FROM saved.new_phone THEN saved.old_phone ELSE target.phone END
FROM public.customers_before_normalization AS saved
WHERE target.id = saved.key_id;
DROP TABLE public.customers_before_normalization, public.customers_normalization_rejects;
