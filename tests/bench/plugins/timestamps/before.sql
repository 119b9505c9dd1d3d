CREATE TABLE public.orders (id bigint PRIMARY KEY, customer text NOT NULL, total numeric(12, 2) NOT NULL);
INSERT INTO public.orders
SELECT number, 'customer ' || number % 10007, (number * 7919 % 10000000)::numeric / 100
FROM generate_series(1::bigint, {rows}) AS number;
