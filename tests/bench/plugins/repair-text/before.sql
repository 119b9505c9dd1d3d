CREATE TABLE public.listings (id bigint PRIMARY KEY, title text NOT NULL, body text, price int NOT NULL);
-- One title in ten was damaged, and one body in eight, some twice; others have sound accents.
INSERT INTO public.listings
SELECT number,
    CASE WHEN number % 10 = 0 THEN convert_from(convert_to(title, 'UTF8'), 'WIN1252') ELSE title END,
    CASE number % 16
        WHEN 3 THEN convert_from(convert_to(body, 'UTF8'), 'WIN1252')
        WHEN 9 THEN convert_from(convert_to(convert_from(convert_to(body, 'UTF8'), 'WIN1252'), 'UTF8'), 'WIN1252')
        WHEN 12 THEN NULL
        ELSE body
    END,
    number % 1000
FROM generate_series(1::bigint, {rows}) AS number,
    LATERAL (SELECT
        (ARRAY['Oak table', 'Café chairs', 'Lamp', 'Crème brûlée torch', 'Sofa', 'Bücherregal'])[1 + number % 6]
            || ' no. ' || number AS title,
        repeat((ARRAY['Hardly used, pick up in town. ', 'Très bon état, à emporter – déjà démonté. ',
            'As good as new. ', 'Gebraucht, aber schön; für Selbstabholer. '])[1 + number % 4], 3) AS body) AS text;
