-- Buyers say how a sale went. Made by the trust team while the payments team made
-- its tables: neither needs the other's, so both begin after the same revision.

CREATE TABLE public.reviews (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- One review a sale; who bought twice may say so twice.
    order_id     uuid NOT NULL UNIQUE REFERENCES public.orders ON DELETE RESTRICT,
    stars        smallint NOT NULL CHECK (stars BETWEEN 1 AND 5),
    body         text CHECK (body <> ''),
    is_complaint boolean NOT NULL DEFAULT false,
    resolved_at  timestamptz,
    hidden_at    timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    -- A complaint without a word cannot be answered.
    CHECK (NOT is_complaint OR body IS NOT NULL),
    CHECK (resolved_at IS NULL OR is_complaint)
);
COMMENT ON TABLE public.reviews IS 'What buyers say of a sale: stars for everybody to see, complaints for us to settle.';
COMMENT ON COLUMN public.reviews.hidden_at IS 'When a moderator took it out of sight; it then counts for nothing.';

-- The queue of the people who settle complaints, oldest first.
CREATE INDEX reviews_open_complaints_idx ON public.reviews (created_at) WHERE is_complaint AND resolved_at IS NULL;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.reviews
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
