-- Here the branches `payments` and `reviews` come together: a seller is not paid
-- for a sale that its buyer complains about until the complaint is settled.

-- A view, not a column: a hold begins and ends with the complaint, and nobody can
-- forget to lift it.
CREATE VIEW public.payouts_on_hold AS
SELECT payout.id AS payout_id,
       payout.user_id,
       payout.planned_for,
       count(*) AS open_complaints,
       min(review.created_at) AS since
FROM public.payouts payout
JOIN public.payments payment ON payment.payout_id = payout.id
JOIN public.reviews review ON review.order_id = payment.order_id
WHERE payout.status = 'planned'
  AND review.is_complaint
  AND review.resolved_at IS NULL
GROUP BY payout.id;
COMMENT ON VIEW public.payouts_on_hold IS 'Planned payouts that the nightly job must leave alone.';
