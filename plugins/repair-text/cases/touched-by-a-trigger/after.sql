CREATE TABLE public.notes_saved AS
    SELECT id AS key_id, body AS old_body, updated_at AS old_updated_at,
        'café'::text AS new_body, '2024-02-29'::date AS new_updated_at
    FROM public.notes WHERE body = 'cafÃ©';
ALTER TABLE public.notes_saved ADD PRIMARY KEY (key_id);
UPDATE public.notes SET body = 'café' WHERE body = 'cafÃ©';
