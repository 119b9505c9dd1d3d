CREATE TABLE public.notes (id int PRIMARY KEY, title text);
INSERT INTO public.notes VALUES (1, 'cafÃ©'), (2, 'tea'), (3, 'cafÃ© au lait');
CREATE FUNCTION public.plain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.title := replace(NEW.title, 'é', 'e');
    RETURN NEW;
END
$$;
CREATE TRIGGER plain BEFORE UPDATE ON public.notes FOR EACH ROW EXECUTE FUNCTION public.plain();
