-- The orders were only read. Payments that were taken since are lost with the
-- table: export them first.
DROP TABLE public.payments;
