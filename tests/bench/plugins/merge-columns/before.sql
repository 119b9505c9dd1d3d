CREATE TABLE public.addresses (id bigint PRIMARY KEY, street text, number text, city text);
INSERT INTO public.addresses
SELECT number, 'Street ' || number % 1009, CASE WHEN number % 11 <> 0 THEN (1 + number % 200)::text END,
    (ARRAY['Aachen', 'Bergen', 'Cádiz', NULL, 'Essen'])[1 + number % 5]
FROM generate_series(1::bigint, {rows}) AS number;
