CREATE TABLE public.events (id int, at timestamp NOT NULL);
INSERT INTO public.events VALUES (1, '2025-01-01'), (2, '0202-01-05');
