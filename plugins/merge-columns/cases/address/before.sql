CREATE TABLE public.addresses (id int PRIMARY KEY, street text, "house number" int, zip char(5), city varchar(40));
INSERT INTO public.addresses VALUES
    (1, 'High Street', 7, '12345', 'Sometown'),
    (2, NULL, NULL, NULL, 'Elsewhere'),
    (3, NULL, NULL, NULL, NULL),
    (4, E'Back\\slash  Road', 12, NULL, 'Thirdham');
