LOCK TABLE public.people IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE public.people ADD COLUMN first_name text, ADD COLUMN last_name text;
UPDATE public.people
SET first_name = substring(name FROM '^(\S+) .+$'), last_name = substring(name FROM '^\S+ (.+)$')
WHERE name ~ '^\S+ .+$';
CREATE TABLE public.people_split_rejects AS
SELECT id AS key_id, 'name'::text AS column_name, name AS value, 'does not fit the pattern'::text AS reason
FROM public.people WHERE name !~ '^\S+ .+$';
ALTER TABLE public.people_split_rejects ADD PRIMARY KEY (key_id, column_name);
