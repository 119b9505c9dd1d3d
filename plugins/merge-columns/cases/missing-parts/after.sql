ALTER TABLE public.addresses ADD COLUMN line text;
UPDATE public.addresses SET line = street || ' ' || number;
CREATE TABLE public.addresses_merge_rejects (key_id int PRIMARY KEY, column_name text, value text, reason text);
ALTER TABLE public.addresses_merge_rejects DROP CONSTRAINT addresses_merge_rejects_pkey;
ALTER TABLE public.addresses_merge_rejects ADD PRIMARY KEY (key_id, column_name);
INSERT INTO public.addresses_merge_rejects VALUES (2, 'number', 'Low Street', 'is NULL'), (4, 'street', '9a', 'is NULL');
