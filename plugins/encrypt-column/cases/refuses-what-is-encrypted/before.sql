CREATE TABLE public.patients (id int PRIMARY KEY, diagnosis text);
INSERT INTO public.patients VALUES (1, 'flu'), (2, 'enc1:2024:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA');
