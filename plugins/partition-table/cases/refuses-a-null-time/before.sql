CREATE TABLE public.events (id int, at timestamp);
