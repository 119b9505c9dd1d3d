DROP VIEW public.seller_ratings;
