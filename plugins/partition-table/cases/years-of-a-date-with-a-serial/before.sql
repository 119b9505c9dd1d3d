CREATE TABLE public.events (id serial, at date NOT NULL, note text);
CREATE INDEX ON public.events (at);
INSERT INTO public.events (at) VALUES ('2023-12-31'), ('2025-01-01');
