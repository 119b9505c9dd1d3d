CREATE TABLE public.patients (id int, region text, diagnosis text, PRIMARY KEY (region, id));
INSERT INTO public.patients VALUES (1, 'eu', 'flu'), (2, 'eu', 'flu'), (3, 'eu', ''), (4, 'eu', 'grippe ✓'), (1, 'us', NULL);
