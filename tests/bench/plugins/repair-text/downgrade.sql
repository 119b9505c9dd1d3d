LOCK TABLE public.listings IN SHARE ROW EXCLUSIVE MODE;
UPDATE public.listings AS target
SET title = CASE WHEN target.title IS NOT DISTINCT FROM saved.new_title THEN saved.old_title ELSE target.title END,
    body = CASE WHEN target.body IS NOT DISTINCT FROM saved.new_body THEN saved.old_body ELSE target.body END
FROM public.listings_before_repair AS saved
WHERE target.id = saved.key_id;
DROP TABLE public.listings_before_repair;
