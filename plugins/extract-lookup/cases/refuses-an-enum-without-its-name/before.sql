CREATE TYPE public.order_state AS ENUM ('new', 'paid');
CREATE TABLE public.orders (id int PRIMARY KEY, status public.order_state);
