CREATE TABLE public.orders (id int PRIMARY KEY, status varchar(20) NOT NULL DEFAULT 'new', placed date);
CREATE INDEX orders_by_status ON public.orders (status, placed);
COMMENT ON COLUMN public.orders.status IS 'where the order is';
INSERT INTO public.orders VALUES
    (1, 'paid', '2025-01-01'), (2, 'it''s "odd" \ ✓', '2025-01-02'), (3, 'paid', NULL), (4, 'Paid', NULL);
