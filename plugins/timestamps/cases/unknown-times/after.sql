CREATE FUNCTION public.note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW *<> OLD AND NEW."changed at" IS NOT DISTINCT FROM OLD."changed at" THEN
        NEW."changed at" := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION public.note_change() IS 'Sets changed at on rows that an UPDATE changes, unless it sets the column itself.';
ALTER TABLE public.orders ADD COLUMN "changed at" timestamptz;
ALTER TABLE public.orders ALTER COLUMN "changed at" SET DEFAULT now();
CREATE TRIGGER note_change BEFORE UPDATE ON public.orders FOR EACH ROW EXECUTE FUNCTION public.note_change();
