CREATE TABLE public.people (id int PRIMARY KEY, name text);
INSERT INTO public.people VALUES (1, 'Ada Lovelace'), (2, 'Madonna'), (3, 'Prince');
