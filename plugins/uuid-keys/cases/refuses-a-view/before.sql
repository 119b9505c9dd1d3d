CREATE TABLE public.orders (id int PRIMARY KEY);
CREATE VIEW public.numbers AS SELECT id FROM public.orders;
