CREATE TABLE public.products (id int PRIMARY KEY, data json);
