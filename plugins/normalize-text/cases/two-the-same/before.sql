CREATE TABLE public.customers (id int PRIMARY KEY, email text UNIQUE);
INSERT INTO public.customers VALUES (1, 'Ada@example.org'), (2, 'ada@example.org');
