CREATE TABLE public.orders (
    id        int GENERATED ALWAYS AS IDENTITY (START WITH 10 INCREMENT BY 5) PRIMARY KEY,
    placed    timestamptz,
    follows   int REFERENCES public.orders ON DELETE SET NULL DEFERRABLE
);
CREATE TABLE public.items (
    order_id  int NOT NULL REFERENCES public.orders ON UPDATE CASCADE ON DELETE CASCADE,
    line      smallint,
    what      text,
    PRIMARY KEY (order_id, line)
);
CREATE INDEX items_by_order ON public.items (order_id, what);
INSERT INTO public.orders (placed)
    VALUES ('2024-02-29 12:00+00'), (NULL), ('2024-02-29 12:00:00.0015+00'), ('2024-02-29 12:00:00.0017+00');
UPDATE public.orders SET follows = 10 WHERE id = 20;
INSERT INTO public.items VALUES (10, 1, 'cup'), (10, 2, 'tea'), (20, 1, 'milk');
COMMENT ON CONSTRAINT items_order_id_fkey ON public.items IS 'It''s the order that has the item';
