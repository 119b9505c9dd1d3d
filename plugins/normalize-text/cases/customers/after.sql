CREATE TABLE public.customers_before_normalization AS
    SELECT id AS key_id, code AS old_code, email AS old_email, name AS old_name, phone AS old_phone,
        code AS new_code, email AS new_email, name AS new_name, phone AS new_phone
    FROM public.customers WHERE id IN (1, 2, 4, 5);
ALTER TABLE public.customers_before_normalization ADD PRIMARY KEY (key_id);
UPDATE public.customers SET name = normalize(btrim(regexp_replace(name, '\s+', ' ', 'g')), NFC) WHERE name IS NOT NULL;
UPDATE public.customers SET email = 'jose@example.com' WHERE id = 1;
UPDATE public.customers SET phone = '+493012345678' WHERE id = 1;
UPDATE public.customers SET phone = '+16502530000' WHERE id = 2;
UPDATE public.customers SET code = 'A1' WHERE id = 1;
UPDATE public.customers SET code = 'STRASSE' WHERE id = 4;
UPDATE public.customers SET code = 'OK' WHERE id = 5;
UPDATE public.customers_before_normalization
    SET new_code = code, new_email = email, new_name = name, new_phone = phone
    FROM public.customers WHERE id = key_id;
CREATE TABLE public.customers_normalization_rejects AS
    SELECT id AS key_id, ''::text AS column_name, ''::text AS value, ''::text AS reason
    FROM public.customers WITH NO DATA;
ALTER TABLE public.customers_normalization_rejects ADD PRIMARY KEY (key_id, column_name);
INSERT INTO public.customers_normalization_rejects VALUES
    (4, 'email', 'nobody', 'has no @'),
    (4, 'phone', 'call me', 'is no phone number: input contains an invalid character'),
    (5, 'email', 'a b@example.org', 'has before the @ what no address has there');
