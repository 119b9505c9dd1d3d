SELECT count(*), sum(hashtextextended(ROW(key.old_key, orders.placed, orders.total, items.id, items.what)::text, 0)::numeric),
    bool_and(substr(orders.id::text, 15, 1) = '7'
        AND left(replace(orders.id::text, '-', ''), 12) = lpad(to_hex(floor(extract(epoch FROM placed) * 1000)::bigint), 12, '0'))
FROM public.order_keys AS key
JOIN public.orders ON orders.id = key.new_key
LEFT JOIN public.items ON items.order_id = orders.id
