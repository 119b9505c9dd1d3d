ALTER TABLE public.payments
    DROP CONSTRAINT payments_marketplace_pays_itself,
    DROP COLUMN payout_id;
DROP TABLE public.payouts;
