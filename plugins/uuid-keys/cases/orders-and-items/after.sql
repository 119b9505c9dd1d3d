ALTER TABLE public.items DROP CONSTRAINT items_order_id_fkey;
ALTER TABLE public.orders DROP CONSTRAINT orders_follows_fkey;
-- Where the identity stood goes with it.
CREATE TABLE public.order_keys (
    old_key int GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5) PRIMARY KEY,
    new_key uuid NOT NULL UNIQUE
);
SELECT setval('public.order_keys_old_key_seq', 25);
-- 2024-02-29 12:00:00 UTC is 0x018df4bc5600 milliseconds after 1970. What the host
-- gives at random is zeros here.
INSERT INTO public.order_keys OVERRIDING SYSTEM VALUE VALUES
    (10, '018df4bc-5600-7000-8000-000000000000'),
    (15, '019a0000-0000-7000-8000-000000000000'),
    (20, '018df4bc-5601-7000-8000-000000000000'),
    (25, '018df4bc-5601-7000-8001-000000000000');
ALTER TABLE public.orders ALTER COLUMN id DROP IDENTITY;
CREATE FUNCTION public.new_key(int) RETURNS uuid LANGUAGE sql STABLE
    AS 'SELECT new_key FROM public.order_keys WHERE old_key = $1';
ALTER TABLE public.orders
    ALTER COLUMN id TYPE uuid USING public.new_key(id),
    ALTER COLUMN follows TYPE uuid USING public.new_key(follows);
ALTER TABLE public.items ALTER COLUMN order_id TYPE uuid USING public.new_key(order_id);
DROP FUNCTION public.new_key(int);
ALTER TABLE public.orders ADD CONSTRAINT orders_follows_fkey
    FOREIGN KEY (follows) REFERENCES public.orders ON DELETE SET NULL DEFERRABLE;
ALTER TABLE public.items ADD CONSTRAINT items_order_id_fkey
    FOREIGN KEY (order_id) REFERENCES public.orders ON UPDATE CASCADE ON DELETE CASCADE;
COMMENT ON CONSTRAINT items_order_id_fkey ON public.items IS 'It''s the order that has the item';
