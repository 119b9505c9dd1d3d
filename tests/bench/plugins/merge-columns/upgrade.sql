LOCK TABLE public.addresses IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE public.addresses ADD COLUMN address text;
UPDATE public.addresses
SET address = btrim(regexp_replace(concat(street, ' ', number, ', ', city), '\s+', ' ', 'g'))
WHERE street IS NOT NULL OR number IS NOT NULL OR city IS NOT NULL;
