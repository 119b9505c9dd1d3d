CREATE TABLE public.products_moved_fields (
    key_shop int, key_sku text,
    old_is_new jsonb, new_is_new boolean,
    old_made_on jsonb, new_made_on date,
    old_maker jsonb, new_maker uuid,
    old_price jsonb, new_price numeric,
    old_seen_at jsonb, new_seen_at timestamptz,
    old_stock jsonb, new_stock integer,
    old_tags jsonb, new_tags jsonb,
    old_title jsonb, new_title text,
    old_views jsonb, new_views bigint,
    old_weight jsonb, new_weight double precision
);
ALTER TABLE public.products_moved_fields ADD PRIMARY KEY (key_shop, key_sku);
INSERT INTO public.products_moved_fields (key_shop, key_sku, old_is_new, new_is_new, old_made_on, new_made_on, old_maker, new_maker, old_price, new_price, old_seen_at, new_seen_at, old_stock, new_stock, old_tags, new_tags, old_title, new_title, old_views, new_views, old_weight, new_weight) VALUES
    (1, 'all', 'true', true, '"2024-02-29"', '2024-02-29', '"F47AC10B-58CC-4372-A567-0E02B2C3D479"',
        'f47ac10b-58cc-4372-a567-0e02b2c3d479', '12.50', 12.50, '"2024-02-29T12:30:00.5Z"', '2024-02-29 12:30:00.5+00',
        '7', 7, '["a", null]', '["a", null]', '"Lamp"', 'Lamp', '9000000000', 9000000000, '1500', 1500);
INSERT INTO public.products_moved_fields (key_shop, key_sku) VALUES (1, 'wrong'), (1, 'large');
INSERT INTO public.products_moved_fields (key_shop, key_sku, old_title, old_stock, old_tags, new_tags)
    VALUES (2, 'nulls', 'null', 'null', 'null', 'null');
INSERT INTO public.products_moved_fields (key_shop, key_sku, old_title, new_title) VALUES (2, 'some', '"it''s"', 'it''s');
ALTER TABLE public.products
    ADD COLUMN is_new boolean,
    ADD COLUMN made_on date,
    ADD COLUMN maker uuid,
    ADD COLUMN price numeric,
    ADD COLUMN seen_at timestamptz,
    ADD COLUMN stock integer,
    ADD COLUMN tags jsonb,
    ADD COLUMN title text,
    ADD COLUMN views bigint,
    ADD COLUMN weight double precision;
UPDATE public.products SET is_new = new_is_new, made_on = new_made_on, maker = new_maker, price = new_price, seen_at = new_seen_at, stock = new_stock, tags = new_tags, title = new_title, views = new_views, weight = new_weight
    FROM public.products_moved_fields WHERE shop = key_shop AND sku = key_sku;
UPDATE public.products SET data = '{"rest": {"stays": 1}}' WHERE sku = 'all';
UPDATE public.products SET data = '{"rest": null}' WHERE sku = 'nulls';
UPDATE public.products SET data = '{}' WHERE sku = 'some';
CREATE TABLE public.products_json_rejects (key_shop int, key_sku text, column_name text, value text, reason text);
ALTER TABLE public.products_json_rejects ADD PRIMARY KEY (key_shop, key_sku, column_name);
INSERT INTO public.products_json_rejects VALUES
    (1, 'wrong', 'title', '5', 'is no string'),
    (1, 'wrong', 'stock', '1.5', 'is no whole number of 32 bits'),
    (1, 'wrong', 'views', (1e30)::numeric::text, 'is no whole number of 64 bits'),
    (1, 'wrong', 'price', '"12"', 'is no number'),
    (1, 'wrong', 'weight', (1e400)::numeric::text, 'is no number that fits'),
    (1, 'wrong', 'is_new', '"yes"', 'is neither true nor false'),
    (1, 'wrong', 'made_on', '"2023-02-29"', 'is no date as in 2024-02-29'),
    (1, 'wrong', 'seen_at', '"2024-02-29T12:30:00"', 'is no time with an offset from UTC, as in 2024-02-29T12:30:00Z'),
    (1, 'wrong', 'maker', '"f47ac10b"', 'is no UUID'),
    (1, 'large', 'stock', '2147483648', 'is no whole number of 32 bits'),
    (1, 'large', 'made_on', '"0000-01-01"', 'is no date as in 2024-02-29'),
    (1, 'large', 'seen_at', '"2024-02-29 24:00:00+01"', 'is no time with an offset from UTC, as in 2024-02-29T12:30:00Z');
