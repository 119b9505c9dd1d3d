CREATE TABLE public.people (id int PRIMARY KEY, born date);
INSERT INTO public.people VALUES (1, '1815-12-10');
