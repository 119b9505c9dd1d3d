CREATE TABLE public.people (id int PRIMARY KEY, customer int, customer_text text, note text);
INSERT INTO public.people VALUES (1, 4711, '4711', 'one'), (2, 815, '815', 'two'), (3, 4711, NULL, 'three');
