CREATE TABLE public.notes (
    id         uuid PRIMARY KEY,
    body       text NOT NULL,
    updated_at date NOT NULL
);
-- A day in the past, so that both databases of a test have the same.
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := '2024-02-29';
    END IF;
    RETURN NEW;
END
$$;
INSERT INTO public.notes VALUES
    ('5eed0000-0000-4000-8000-000000000001', 'cafÃ©', '2020-01-01'),
    ('5eed0000-0000-4000-8000-000000000002', '‚úÖ is Mac Roman', '2020-01-01');
CREATE TRIGGER touch BEFORE UPDATE ON public.notes FOR EACH ROW EXECUTE FUNCTION public.touch();
