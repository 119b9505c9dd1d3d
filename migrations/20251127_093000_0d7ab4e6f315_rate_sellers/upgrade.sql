-- Stars beside a seller's name. A view, not a table: there are few reviews, and a
-- refund or a moderator must change the rating at once.

CREATE VIEW public.seller_ratings AS
SELECT item.user_id,
       count(*) AS reviews,
       round(avg(review.stars), 2) AS stars,
       count(*) FILTER (WHERE review.is_complaint AND review.resolved_at IS NULL) AS open_complaints
FROM public.reviews review
JOIN public.orders ON orders.id = review.order_id
JOIN public.payments payment ON payment.order_id = orders.id
JOIN public.cross_posts post ON post.id = orders.cross_post_id
JOIN public.my_items item ON item.id = post.item_id
WHERE review.hidden_at IS NULL
  -- Otherwise friends could buy, praise and get their money back.
  AND payment.refunded < payment.amount
GROUP BY item.user_id;
COMMENT ON VIEW public.seller_ratings IS 'How buyers rate a seller. Sellers without a review that counts have no row.';
