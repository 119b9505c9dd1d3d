CREATE TYPE public.order_state AS ENUM ('new', 'paid', 'lost');
CREATE TABLE public.orders (id int PRIMARY KEY, status public.order_state DEFAULT 'new', note text);
INSERT INTO public.orders VALUES (1, 'paid', 'a'), (2, NULL, 'b'), (3, 'new', 'c');
