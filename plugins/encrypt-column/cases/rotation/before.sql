CREATE TABLE public.patients (id int PRIMARY KEY, diagnosis text);
INSERT INTO public.patients VALUES (1, 'flu'), (2, ''), (3, NULL), (4, 'grippe ✓');
