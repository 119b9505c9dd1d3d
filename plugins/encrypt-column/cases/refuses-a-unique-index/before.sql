CREATE TABLE public.patients (id int PRIMARY KEY, insurance text UNIQUE, age int, diagnosis text);
INSERT INTO public.patients VALUES (1, 'A-17', 44, 'flu'), (2, 'B-3', 61, NULL);
