CREATE TABLE public.products (id int PRIMARY KEY, data jsonb, updated_at date NOT NULL);
-- A day in the past, so that both databases of a test have the same.
CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.updated_at = OLD.updated_at THEN
        NEW.updated_at := '2024-02-29';
    END IF;
    RETURN NEW;
END
$$;
INSERT INTO public.products VALUES
    (1, '{"price": 12.50, "name": "Lamp"}', '2020-01-01'),
    (2, '{"price": "free"}', '2020-01-02'),
    (3, '{"name": "Hut"}', '2020-01-03');
CREATE TRIGGER touch BEFORE UPDATE ON public.products FOR EACH ROW EXECUTE FUNCTION public.touch();
