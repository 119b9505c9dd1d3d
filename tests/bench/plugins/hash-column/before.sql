CREATE EXTENSION pgcrypto;
CREATE TABLE public.people (id bigint PRIMARY KEY, email text, born int NOT NULL);
INSERT INTO public.people
SELECT number, CASE WHEN number % 50 <> 0 THEN 'ada.' || number || '@example.org' END, 1900 + (number % 120)::int
FROM generate_series(1::bigint, {rows}) AS number;
