CREATE TABLE public.events (
    id bigint NOT NULL, at timestamptz NOT NULL, kind text NOT NULL, payload text, PRIMARY KEY (id, at)
);
INSERT INTO public.events
SELECT number, timestamptz '2023-01-01 00:00+00' + number * 7919 % 730 * interval '1 day',
    (ARRAY['view', 'click', 'buy'])[1 + number % 3], 'what happened ' || number % 10007
FROM generate_series(1::bigint, {rows}) AS number;
CREATE INDEX events_by_time ON public.events (at);
