CREATE TABLE public.addresses (id int PRIMARY KEY, street text, number text);
INSERT INTO public.addresses VALUES
    (1, 'High  Street', '7'),
    (2, 'Low Street', NULL),
    (3, NULL, NULL),
    (4, NULL, '9a');
