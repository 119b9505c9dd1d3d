CREATE FUNCTION public.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW *<> OLD AND NEW."updated_at" IS NOT DISTINCT FROM OLD."updated_at" THEN
        NEW."updated_at" := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.touch_updated_at() IS 'Sets updated_at on rows that an UPDATE changes, unless it sets the column itself.';
ALTER TABLE public.orders ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE public.lines ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(), ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.lines FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at();
-- The trigger does what it says: only a row that changes is touched, and a time that
-- is set stays.
DO $$
BEGIN
    INSERT INTO public.orders VALUES (1, '{}', '2020-01-01', '2020-01-01');
    UPDATE public.orders SET form = '{}';
    ASSERT (SELECT updated_at = '2020-01-01' FROM public.orders), 'nothing was changed';
    UPDATE public.orders SET updated_at = '2021-01-01';
    ASSERT (SELECT updated_at = '2021-01-01' FROM public.orders), 'the time was set';
    UPDATE public.orders SET form = '[]';
    ASSERT (SELECT updated_at = now() FROM public.orders), 'the row was changed';
    DELETE FROM public.orders;
END
$$;
