CREATE TABLE public.listings (id int PRIMARY KEY, title text NOT NULL);
INSERT INTO public.listings VALUES (1, 'Hut by the lake'), (2, 'Loft');
