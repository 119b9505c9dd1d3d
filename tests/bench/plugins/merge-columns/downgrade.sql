ALTER TABLE public.addresses DROP COLUMN address;
