CREATE TABLE public.events (id int, at timestamp NOT NULL, PRIMARY KEY (id, at)) WITH (fillfactor = 70);
CREATE TABLE public.notes (id int, at timestamp, FOREIGN KEY (id, at) REFERENCES public.events);
CREATE VIEW public.recent AS SELECT id FROM public.events;
