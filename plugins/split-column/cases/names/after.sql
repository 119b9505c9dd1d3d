CREATE TABLE public.people_split_rejects AS
    SELECT tenant AS key_tenant, id AS key_id, 'name'::text AS column_name, name::text AS value,
        'does not fit the pattern'::text AS reason
    FROM public.people WHERE name !~ '^\S+( \S+)? \S+$';
ALTER TABLE public.people_split_rejects ADD PRIMARY KEY (key_tenant, key_id, column_name);
ALTER TABLE public.people ADD COLUMN first_name text, ADD COLUMN middle_name text, ADD COLUMN last_name text;
UPDATE public.people SET
    first_name = (regexp_match(name, '^(\S+)(?: (\S+))? (\S+)$'))[1],
    middle_name = (regexp_match(name, '^(\S+)(?: (\S+))? (\S+)$'))[2],
    last_name = (regexp_match(name, '^(\S+)(?: (\S+))? (\S+)$'))[3];
