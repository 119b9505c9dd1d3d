CREATE TABLE public.notes (id int PRIMARY KEY, body text);
INSERT INTO public.notes VALUES (1, 'cafÃ©'), (2, 'café'), (3, 'coffee');
