LOCK TABLE public.products IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE public.products_moved_fields AS
SELECT id AS key_id,
    CASE WHEN fit.made THEN data -> 'made' END AS old_made_on,
    CASE WHEN fit.made THEN (data ->> 'made')::date END AS new_made_on,
    CASE WHEN fit.price THEN data -> 'price' END AS old_price,
    CASE WHEN fit.price THEN (data ->> 'price')::numeric END AS new_price,
    CASE WHEN fit.stock THEN data -> 'stock' END AS old_stock,
    CASE WHEN fit.stock THEN (data ->> 'stock')::integer END AS new_stock
FROM public.products,
    LATERAL (SELECT
        jsonb_typeof(data -> 'made') = 'string' AND data ->> 'made' ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}$' AS made,
        jsonb_typeof(data -> 'price') = 'number' AS price,
        jsonb_typeof(data -> 'stock') = 'number' AND data ->> 'stock' ~ '^-?[0-9]{1,9}$' AS stock OFFSET 0) AS fit
WHERE data ?| ARRAY['made', 'price', 'stock'];
ALTER TABLE public.products_moved_fields ADD PRIMARY KEY (key_id);
CREATE TABLE public.products_json_rejects AS
SELECT id AS key_id, field.column_name, field.value, field.reason
FROM public.products
JOIN public.products_moved_fields ON key_id = id AND (old_made_on IS NULL OR old_price IS NULL OR old_stock IS NULL),
    LATERAL (VALUES
        ('made_on', CASE WHEN old_made_on IS NULL THEN (data -> 'made')::text END, 'is no date as in 2024-02-29'),
        ('price', CASE WHEN old_price IS NULL THEN (data -> 'price')::text END, 'is no number'),
        ('stock', CASE WHEN old_stock IS NULL THEN (data -> 'stock')::text END, 'is no whole number of 32 bits')
    ) AS field (column_name, value, reason)
WHERE field.value IS NOT NULL;
ALTER TABLE public.products_json_rejects ADD PRIMARY KEY (key_id, column_name);
ALTER TABLE public.products ADD COLUMN made_on date, ADD COLUMN price numeric, ADD COLUMN stock integer;
UPDATE public.products
SET made_on = new_made_on, price = new_price, stock = new_stock,
    data = data - array_remove(ARRAY[
        CASE WHEN old_made_on IS NOT NULL THEN 'made' END,
        CASE WHEN old_price IS NOT NULL THEN 'price' END,
        CASE WHEN old_stock IS NOT NULL THEN 'stock' END], NULL)
FROM public.products_moved_fields
WHERE key_id = id;
