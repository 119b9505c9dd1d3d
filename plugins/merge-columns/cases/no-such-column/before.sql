CREATE TABLE public.addresses (id int PRIMARY KEY, street text);
