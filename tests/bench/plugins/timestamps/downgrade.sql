DROP TRIGGER touch_updated_at ON public.orders;
ALTER TABLE public.orders DROP COLUMN created_at, DROP COLUMN updated_at;
DROP FUNCTION public.touch_updated_at();
