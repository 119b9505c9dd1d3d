CREATE TABLE public.people (id bigint PRIMARY KEY, name text, born int NOT NULL);
-- One in seventeen has a single name.
INSERT INTO public.people
SELECT number,
    (ARRAY['Ada', 'Björn', 'Chiara', 'Dmitri', 'Élodie', 'Farid', 'Grace'])[1 + number % 7]
        || CASE WHEN number % 17 <> 0 THEN ' ' || (ARRAY['Lovelace', 'Ångström', 'Rossi', 'de la Cruz', 'Curie'])[1 + number % 5] ELSE '' END,
    1900 + (number % 120)::int
FROM generate_series(1::bigint, {rows}) AS number;
