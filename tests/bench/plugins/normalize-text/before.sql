CREATE TABLE public.customers (id bigint PRIMARY KEY, name text NOT NULL, email text, phone text);
-- Half of the names and addresses have their form already; one number in twenty is none.
INSERT INTO public.customers
SELECT number,
    (ARRAY['Ada Lovelace', U&'Jose\0301  Garci\0301a', 'Grace Hopper', ' Björn  Ångström ', 'Li Wei',
        U&'E\0301lodie Curie'])[1 + number % 6],
    CASE WHEN number % 2 = 0 THEN 'ada.' || number || '@example.org'
         ELSE 'Ada.' || number || '@Mail' || number % 97 || '.Example.COM' END,
    CASE WHEN number % 20 = 7 THEN 'call me'
         WHEN number % 3 = 0 THEN '+4930' || 10000000 + number % 80000000
         ELSE '030 / ' || 1000 + number % 9000 || ' ' || 1000 + number % 8999 END
FROM generate_series(1::bigint, {rows}) AS number;
