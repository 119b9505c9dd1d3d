LOCK TABLE public.products IN SHARE ROW EXCLUSIVE MODE;
UPDATE public.products
SET data = data || jsonb_strip_nulls(jsonb_build_object(
    'made', CASE WHEN made_on IS NOT DISTINCT FROM new_made_on THEN old_made_on ELSE to_jsonb(made_on) END,
    'price', CASE WHEN price IS NOT DISTINCT FROM new_price THEN old_price ELSE to_jsonb(price) END,
    'stock', CASE WHEN stock IS NOT DISTINCT FROM new_stock THEN old_stock ELSE to_jsonb(stock) END))
FROM public.products_moved_fields
WHERE key_id = id;
UPDATE public.products
SET data = coalesce(data, '{}') || jsonb_strip_nulls(jsonb_build_object('made', made_on, 'price', price, 'stock', stock))
WHERE (made_on IS NOT NULL OR price IS NOT NULL OR stock IS NOT NULL)
    AND NOT EXISTS (SELECT FROM public.products_moved_fields WHERE key_id = id);
ALTER TABLE public.products DROP COLUMN made_on, DROP COLUMN price, DROP COLUMN stock;
DROP TABLE public.products_moved_fields, public.products_json_rejects;
