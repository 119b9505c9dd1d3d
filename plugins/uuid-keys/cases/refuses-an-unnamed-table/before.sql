CREATE TABLE public.orders (id int PRIMARY KEY, placed text);
CREATE TABLE public.items (id int PRIMARY KEY, order_id int REFERENCES public.orders);
INSERT INTO public.orders VALUES (1, 'today');
INSERT INTO public.items VALUES (1, 1);
