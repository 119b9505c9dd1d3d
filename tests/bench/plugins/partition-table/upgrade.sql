LOCK TABLE public.events IN ACCESS EXCLUSIVE MODE;
CREATE TABLE public.events_new (LIKE public.events INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (at);
DO $$
DECLARE
    first timestamp;
BEGIN
    FOR first IN
        SELECT generate_series(date_trunc('month', min(at) AT TIME ZONE 'UTC'),
            date_trunc('month', max(at) AT TIME ZONE 'UTC') + interval '3 months', interval '1 month')
        FROM public.events
    LOOP
        EXECUTE format('CREATE TABLE public.%I PARTITION OF public.events_new FOR VALUES FROM (%L) TO (%L)',
            'events_' || to_char(first, 'YYYY_MM'), first || '+00', first + interval '1 month' || '+00');
    END LOOP;
END $$;
CREATE TABLE public.events_default PARTITION OF public.events_new DEFAULT;
INSERT INTO public.events_new SELECT * FROM public.events;
DROP TABLE public.events;
ALTER TABLE public.events_new RENAME TO events;
ALTER TABLE public.events ADD CONSTRAINT events_pkey PRIMARY KEY (id, at);
CREATE INDEX events_by_time ON public.events (at);
