CREATE TABLE public.new_events (LIKE public.events INCLUDING ALL EXCLUDING INDEXES) PARTITION BY RANGE (at);
CREATE TABLE public.events_2023 PARTITION OF public.new_events FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE public.events_2024 PARTITION OF public.new_events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE public.events_2025 PARTITION OF public.new_events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
INSERT INTO public.new_events SELECT * FROM public.events;
ALTER SEQUENCE public.events_id_seq OWNED BY public.new_events.id;
DROP TABLE public.events;
ALTER TABLE public.new_events RENAME TO events;
CREATE INDEX events_at_idx ON public.events (at);
