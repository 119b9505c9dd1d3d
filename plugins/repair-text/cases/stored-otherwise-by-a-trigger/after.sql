UPDATE public.notes SET title = 'cafe' WHERE id = 1;
UPDATE public.notes SET title = 'cafe au lait' WHERE id = 3;
CREATE TABLE public.notes_before_repair (key_id int PRIMARY KEY, old_title text, new_title text);
INSERT INTO public.notes_before_repair
    VALUES (1, 'cafÃ©', 'cafe'), (3, 'cafÃ© au lait', 'cafe au lait');
