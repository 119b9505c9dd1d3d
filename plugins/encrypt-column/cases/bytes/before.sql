CREATE TABLE public.patients (id int PRIMARY KEY, scan bytea);
INSERT INTO public.patients VALUES (1, '\x00ff'), (2, ''), (3, NULL), (4, decode(repeat('00', 1000), 'hex'));
