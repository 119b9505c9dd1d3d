ALTER TABLE public.events RENAME TO old_events;
CREATE TABLE public.new_events (LIKE public.old_events INCLUDING ALL EXCLUDING IDENTITY EXCLUDING INDEXES)
    PARTITION BY RANGE (at);
INSERT INTO public.new_events (id, at, kind, amount, note)
    SELECT id, at, kind, amount, note FROM public.old_events WHERE false;
CREATE TABLE public.events_2024_11 PARTITION OF public.new_events
    FOR VALUES FROM ('2024-11-01 00:00:00+00') TO ('2024-12-01 00:00:00+00');
CREATE TABLE public.events_2024_12 PARTITION OF public.new_events
    FOR VALUES FROM ('2024-12-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE public.events_2025_01 PARTITION OF public.new_events
    FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-02-01 00:00:00+00');
CREATE TABLE public.events_2025_02 PARTITION OF public.new_events
    FOR VALUES FROM ('2025-02-01 00:00:00+00') TO ('2025-03-01 00:00:00+00');
CREATE TABLE public.events_default PARTITION OF public.new_events DEFAULT;
INSERT INTO public.new_events (id, at, kind, amount, note) SELECT id, at, kind, amount, note FROM public.old_events;
DROP TABLE public.old_events;
ALTER TABLE public.new_events RENAME TO events;
ALTER TABLE public.events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10);
ALTER TABLE public.events ADD CONSTRAINT events_pkey PRIMARY KEY (id, at);
ALTER TABLE public.events ADD CONSTRAINT kind_at UNIQUE (kind, at) DEFERRABLE;
CREATE INDEX big_events ON public.events USING btree (amount DESC, lower(kind)) WHERE (amount > 10);
ALTER TABLE public.events ADD CONSTRAINT of_a_kind FOREIGN KEY (kind) REFERENCES public.kinds ON UPDATE CASCADE;
CREATE TRIGGER touch BEFORE UPDATE OF amount ON public.events FOR EACH ROW WHEN (NEW.amount > 5)
    EXECUTE FUNCTION public.events_touch();
COMMENT ON TABLE public.events IS 'what happened';
SELECT setval('public.events_id_seq', 120, true);
