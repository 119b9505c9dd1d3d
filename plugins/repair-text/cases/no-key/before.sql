CREATE TABLE public.notes (body text);
INSERT INTO public.notes VALUES ('cafÃ©');
