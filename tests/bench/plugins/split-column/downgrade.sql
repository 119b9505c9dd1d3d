ALTER TABLE public.people DROP COLUMN first_name, DROP COLUMN last_name;
DROP TABLE public.people_split_rejects;
