CREATE TABLE public.notes_before_repair AS
    SELECT tenant AS key_tenant, number AS key_number, title AS old_title, body AS old_body,
        title AS new_title, body AS new_body
    FROM public.notes WHERE (tenant, number) IN ((1, 2), (1, 3), (2, 2));
ALTER TABLE public.notes_before_repair ADD PRIMARY KEY (key_tenant, key_number);
UPDATE public.notes SET title = 'été à la plage' WHERE (tenant, number) = (1, 2);
UPDATE public.notes SET body = '✅ done, ✅ done' WHERE (tenant, number) = (1, 3);
UPDATE public.notes SET title = 'Latin-1: café — thé', body = 'twice: é, three times: é' WHERE (tenant, number) = (2, 2);
UPDATE public.notes_before_repair AS saved SET new_title = notes.title, new_body = notes.body
    FROM public.notes WHERE (tenant, number) = (key_tenant, key_number);
