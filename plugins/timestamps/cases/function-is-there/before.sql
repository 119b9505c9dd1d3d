CREATE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at := now();
    RETURN NEW;
END
$$;
CREATE TABLE public.orders (id int PRIMARY KEY, updated_at timestamptz);
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.orders
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TABLE public.lines (id int PRIMARY KEY);
INSERT INTO public.lines VALUES (1);
