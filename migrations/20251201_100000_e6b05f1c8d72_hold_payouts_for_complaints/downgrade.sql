DROP VIEW public.payouts_on_hold;
