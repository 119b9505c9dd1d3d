-- Until now the marketplaces paid our users directly, and an order's status was
-- all that we knew. The payments team takes the money itself, through a payment
-- provider, so each order needs a record of what was paid and given back.

CREATE TABLE public.payments (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id     uuid NOT NULL UNIQUE REFERENCES public.orders ON DELETE RESTRICT,
    provider     text NOT NULL CHECK (provider IN ('marketplace', 'card', 'transfer')),
    provider_ref text,
    amount       numeric(12, 2) NOT NULL CHECK (amount >= 0),
    refunded     numeric(12, 2) NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    currency     char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    captured_at  timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    UNIQUE (provider, provider_ref),
    -- Whoever pays through a provider gets a reference from it.
    CHECK (provider = 'marketplace' OR provider_ref IS NOT NULL)
);
COMMENT ON TABLE public.payments IS 'What the buyer of an order paid, and what of it was given back.';
COMMENT ON COLUMN public.payments.provider IS '`marketplace` where the marketplace took the money: all orders before this table.';

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.payments
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

-- The orders so far. A cancelled one was never paid. Their order decides the
-- numbers, so that two databases with the same orders get the same payments.
INSERT INTO public.payments (order_id, provider, amount, refunded, currency, captured_at, updated_at)
SELECT id,
       'marketplace',
       total,
       CASE WHEN status = 'refunded' THEN total ELSE 0 END,
       currency,
       ordered_at,
       updated_at
FROM public.orders
WHERE status <> 'cancelled'
ORDER BY ordered_at, id;
