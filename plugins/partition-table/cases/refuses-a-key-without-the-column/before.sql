CREATE TABLE public.events (id int PRIMARY KEY, at timestamp NOT NULL);
INSERT INTO public.events VALUES (1, '2025-01-01');
