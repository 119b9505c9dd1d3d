CREATE TABLE public.products (id bigint PRIMARY KEY, data jsonb);
-- One price in a thousand is a text.
INSERT INTO public.products
SELECT number, jsonb_build_object(
    'price', CASE WHEN number % 1000 = 500 THEN to_jsonb('on request'::text) ELSE to_jsonb((number % 9973)::numeric / 100) END,
    'stock', number % 500,
    'made', to_char(date '2020-01-01' + (number % 2000)::int, 'YYYY-MM-DD'),
    'tags', jsonb_build_array('a', number % 7),
    'note', 'what stays in the document ' || number)
FROM generate_series(1::bigint, {rows}) AS number;
