CREATE TABLE public.kinds (kind text PRIMARY KEY);
CREATE FUNCTION public.events_touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'touched'; RETURN NEW; END $$;
CREATE TABLE public.events (
    id      bigint GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 10),
    at      timestamptz NOT NULL DEFAULT '2025-01-01 00:00:00+00',
    kind    text NOT NULL,
    amount  int DEFAULT 1,
    double  int GENERATED ALWAYS AS (amount * 2) STORED,
    note    text,
    CONSTRAINT events_pkey PRIMARY KEY (id, at),
    CONSTRAINT amount_is_positive CHECK (amount > 0),
    CONSTRAINT kind_at UNIQUE (kind, at) DEFERRABLE,
    CONSTRAINT of_a_kind FOREIGN KEY (kind) REFERENCES public.kinds ON UPDATE CASCADE
);
CREATE INDEX big_events ON public.events USING btree (amount DESC, lower(kind)) WHERE (amount > 10);
CREATE TRIGGER touch BEFORE UPDATE OF amount ON public.events FOR EACH ROW WHEN (NEW.amount > 5)
    EXECUTE FUNCTION public.events_touch();
COMMENT ON TABLE public.events IS 'what happened';
COMMENT ON COLUMN public.events.at IS 'when it''s over';
INSERT INTO public.kinds VALUES ('a'), ('b');
INSERT INTO public.events (at, kind, amount, note) VALUES
    ('2024-11-30 23:59:59.999999+00', 'a', 3, NULL), ('2024-12-01 00:00:00+00', 'a', 12, 'x'),
    ('2025-02-01 00:30:00+01', 'b', 4, 'january in UTC');
