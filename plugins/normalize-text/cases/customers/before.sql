CREATE TABLE public.customers (
    id    bigint PRIMARY KEY,
    name  text,
    email text UNIQUE,
    phone varchar(40),
    code  varchar(10)
);
INSERT INTO public.customers VALUES
    (1, E'  Jose\u0301   Garc\u00eda ', 'Jose@Example.COM', '030 / 1234 5678', U&' \FF41\2460 '),
    (2, 'Grace Hopper', 'grace@example.org', '+1 650-253-0000', 'OK'),
    (3, NULL, NULL, NULL, NULL),
    (4, E'tab\there', 'nobody', 'call me', 'straße'),
    (5, 'Ada', 'a b@example.org', '+493012345678', 'ok');
