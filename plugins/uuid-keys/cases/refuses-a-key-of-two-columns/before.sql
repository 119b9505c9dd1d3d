CREATE TABLE public.orders (id int, shop int, PRIMARY KEY (shop, id));
INSERT INTO public.orders VALUES (1, 1);
