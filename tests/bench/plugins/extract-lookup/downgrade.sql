LOCK TABLE public.orders IN ACCESS EXCLUSIVE MODE;
ALTER TABLE public.orders DROP CONSTRAINT orders_status_id_fkey;
ALTER TABLE public.orders ALTER COLUMN status_id DROP DEFAULT;
ALTER TABLE public.orders ALTER COLUMN status_id TYPE text USING
    CASE status_id WHEN 1 THEN 'cancelled' WHEN 2 THEN 'new' WHEN 3 THEN 'packed'
        WHEN 4 THEN 'paid' WHEN 5 THEN 'returned' WHEN 6 THEN 'shipped' END;
ALTER TABLE public.orders RENAME COLUMN status_id TO status;
ALTER TABLE public.orders ALTER COLUMN status SET DEFAULT 'new';
DROP TABLE public.order_status;
