LOCK TABLE public.orders, public.items IN ACCESS EXCLUSIVE MODE;
CREATE FUNCTION pg_temp.uuid7(millis bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT encode(set_bit(set_bit(
        overlay(uuid_send(gen_random_uuid()) PLACING substring(int8send(millis) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;
CREATE TABLE public.order_keys (old_key bigint PRIMARY KEY, new_key uuid NOT NULL UNIQUE);
INSERT INTO public.order_keys
SELECT id, pg_temp.uuid7(floor(extract(epoch FROM placed) * 1000)::bigint) FROM public.orders ORDER BY id;
ALTER TABLE public.items DROP CONSTRAINT items_order_id_fkey;
ALTER TABLE public.orders ADD COLUMN waiting uuid;
UPDATE public.orders SET waiting = new_key FROM public.order_keys WHERE old_key = id;
ALTER TABLE public.orders ALTER COLUMN id TYPE uuid USING waiting;
ALTER TABLE public.orders DROP COLUMN waiting;
ALTER TABLE public.items ADD COLUMN waiting uuid;
UPDATE public.items SET waiting = new_key FROM public.order_keys WHERE old_key = order_id;
ALTER TABLE public.items ALTER COLUMN order_id TYPE uuid USING waiting;
ALTER TABLE public.items DROP COLUMN waiting;
ALTER TABLE public.items ADD CONSTRAINT items_order_id_fkey FOREIGN KEY (order_id) REFERENCES public.orders (id);
