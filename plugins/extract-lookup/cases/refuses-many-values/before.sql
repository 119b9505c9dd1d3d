CREATE TABLE public.orders (id int PRIMARY KEY, status text);
INSERT INTO public.orders SELECT n, 'status ' || n FROM generate_series(1, 3) AS n;
