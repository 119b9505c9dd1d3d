ALTER TABLE public.lines ADD COLUMN updated_at timestamptz;
ALTER TABLE public.lines ALTER COLUMN updated_at SET DEFAULT now();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.lines
    FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
