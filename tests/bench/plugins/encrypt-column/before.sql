CREATE TABLE public.patients (id bigint PRIMARY KEY, name text NOT NULL, diagnosis text);
INSERT INTO public.patients
SELECT number, 'patient ' || number,
    CASE WHEN number % 50 <> 0 THEN
        (ARRAY['measles', 'influenza, with fever', 'fracture of the left wrist', 'none'])[1 + number % 4]
            || ' (note ' || number || ')' END
FROM generate_series(1::bigint, {rows}) AS number;
