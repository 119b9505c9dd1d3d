CREATE TABLE public.orders (id bigint PRIMARY KEY, placed timestamptz NOT NULL, total numeric(12, 2) NOT NULL);
CREATE TABLE public.items (
    id bigint PRIMARY KEY, order_id bigint NOT NULL REFERENCES public.orders, what text NOT NULL
);
INSERT INTO public.orders
SELECT number, timestamptz '2019-01-01 00:00+00' + number * interval '2 seconds', (number % 100000)::numeric / 100
FROM generate_series(1::bigint, {rows}) AS number;
INSERT INTO public.items
SELECT number, 1 + number * 31 % {rows}, 'what is ordered ' || number % 1009
FROM generate_series(1::bigint, {rows}) AS number;
CREATE INDEX items_by_order ON public.items (order_id);
