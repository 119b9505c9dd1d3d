LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.events_new (LIKE public.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
INSERT INTO public.events_new SELECT * FROM public.events;
DROP TABLE public.events;
ALTER TABLE public.events_new RENAME TO events;
ALTER TABLE public.events ADD CONSTRAINT events_pkey PRIMARY KEY (id, at);
CREATE INDEX events_by_time ON public.events (at);
