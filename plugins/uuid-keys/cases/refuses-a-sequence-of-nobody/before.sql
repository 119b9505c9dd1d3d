CREATE SEQUENCE public.numbers;
CREATE TABLE public.orders (id int PRIMARY KEY DEFAULT nextval('public.numbers'));
INSERT INTO public.orders DEFAULT VALUES;
