CREATE TABLE public.people (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE public.letters (id int PRIMARY KEY, email text REFERENCES public.people (email));
INSERT INTO public.people VALUES (1, 'ada@example.org');
INSERT INTO public.letters VALUES (1, 'ada@example.org');
