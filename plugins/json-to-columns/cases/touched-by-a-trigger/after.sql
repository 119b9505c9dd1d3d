CREATE TABLE public.products_moved_fields (
    key_id int PRIMARY KEY, old_price jsonb, new_price numeric, old_updated_at date, new_updated_at date
);
INSERT INTO public.products_moved_fields VALUES
    (1, '12.50', 12.50, '2020-01-01', '2024-02-29'), (2, NULL, NULL, '2020-01-02', '2020-01-02');
CREATE TABLE public.products_json_rejects (key_id int, column_name text, value text, reason text);
ALTER TABLE public.products_json_rejects ADD PRIMARY KEY (key_id, column_name);
INSERT INTO public.products_json_rejects VALUES (2, 'price', '"free"', 'is no number');
ALTER TABLE public.products ADD COLUMN price numeric;
UPDATE public.products SET price = 12.50, data = '{"name": "Lamp"}' WHERE id = 1;
