-- What was paid for a seller's orders goes to the seller's bank, less our fee, in
-- one transfer a week and not one for each order.

CREATE TABLE public.payouts (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     uuid NOT NULL,
    -- A reference into the vault. The account's number is never stored here.
    bank_ref    text NOT NULL,
    amount      numeric(12, 2) NOT NULL CHECK (amount > 0),
    fee         numeric(12, 2) NOT NULL DEFAULT 0 CHECK (fee >= 0),
    currency    char(3) NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    status      text NOT NULL DEFAULT 'planned' CHECK (status IN ('planned', 'sent', 'arrived', 'returned')),
    planned_for date NOT NULL,
    sent_at     timestamptz,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (status = 'planned' OR sent_at IS NOT NULL)
);
COMMENT ON TABLE public.payouts IS 'Transfers to our users'' banks.';

-- What the nightly job sends.
CREATE INDEX payouts_planned_idx ON public.payouts (planned_for) WHERE status = 'planned';
CREATE INDEX payouts_user_id_idx ON public.payouts (user_id, planned_for DESC);

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.payouts
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();

-- NULL for what is not planned yet, and for what the marketplace paid itself.
ALTER TABLE public.payments
    ADD COLUMN payout_id bigint REFERENCES public.payouts ON DELETE SET NULL,
    ADD CONSTRAINT payments_marketplace_pays_itself CHECK (provider <> 'marketplace' OR payout_id IS NULL);

CREATE INDEX payments_payout_id_idx ON public.payments (payout_id);
