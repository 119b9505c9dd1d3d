ALTER TABLE public.addresses ADD COLUMN address text;
UPDATE public.addresses SET address = '{High Street} No''s 7, 12345 Sometown' WHERE id = 1;
UPDATE public.addresses SET address = '{} No''s , Elsewhere' WHERE id = 2;
UPDATE public.addresses SET address = E'{Back\\slash Road} No''s 12, Thirdham' WHERE id = 4;
