CREATE TABLE public.products (shop int, sku text, data jsonb, PRIMARY KEY (shop, sku));
INSERT INTO public.products VALUES
    (1, 'all', '{"name": "Lamp", "stock": 7, "views": 9000000000, "price": 12.50, "weight": 1.5e3, "is_new": true,
        "made_on": "2024-02-29", "seen_at": "2024-02-29T12:30:00.5Z", "maker": "F47AC10B-58CC-4372-A567-0E02B2C3D479",
        "tags": ["a", null], "rest": {"stays": 1}}'),
    (1, 'wrong', '{"name": 5, "stock": 1.5, "views": 1e30, "price": "12", "weight": 1e400, "is_new": "yes",
        "made_on": "2023-02-29", "seen_at": "2024-02-29T12:30:00", "maker": "f47ac10b", "rest": true}'),
    (1, 'large', '{"stock": 2147483648, "made_on": "0000-01-01", "seen_at": "2024-02-29 24:00:00+01"}'),
    (2, 'nulls', '{"name": null, "stock": null, "tags": null, "rest": null}'),
    (2, 'some', '{"name": "it''s"}'),
    (2, 'other', '{"rest": [1, 2]}'),
    (2, 'list', '["name", "stock"]'),
    (2, 'none', NULL);
