CREATE TABLE public.orders (
    id bigint PRIMARY KEY, customer text NOT NULL, status text NOT NULL DEFAULT 'new', total numeric(12, 2) NOT NULL
);
INSERT INTO public.orders
SELECT number, 'customer ' || number % 10007,
    (ARRAY['cancelled', 'new', 'packed', 'paid', 'returned', 'shipped'])[1 + number * 31 % 6],
    (number * 7919 % 10000000)::numeric / 100
FROM generate_series(1::bigint, {rows}) AS number;
CREATE INDEX orders_by_status ON public.orders (status);
