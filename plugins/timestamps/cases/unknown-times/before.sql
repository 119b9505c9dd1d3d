CREATE TABLE public.orders (id bigint PRIMARY KEY, note text);
INSERT INTO public.orders VALUES (1, 'a'), (2, NULL);
