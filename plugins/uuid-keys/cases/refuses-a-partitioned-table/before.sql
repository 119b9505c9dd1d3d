CREATE TABLE public.orders (id int PRIMARY KEY);
CREATE TABLE public.items (order_id int REFERENCES public.orders, at date) PARTITION BY RANGE (at);
CREATE TABLE public.items_2025 PARTITION OF public.items FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO public.orders VALUES (1);
INSERT INTO public.items VALUES (1, '2025-07-01');
