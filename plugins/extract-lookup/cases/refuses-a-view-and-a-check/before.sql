CREATE TABLE public.orders (id int PRIMARY KEY, status text CHECK (status <> ''));
CREATE VIEW public.open_orders AS SELECT id FROM public.orders WHERE status = 'new';
INSERT INTO public.orders VALUES (1, 'new');
