CREATE TABLE public.people (
    id     int PRIMARY KEY,
    name   text,
    email  varchar(80) UNIQUE,
    age    smallint,
    phone  bigint,
    token  uuid
);
INSERT INTO public.people VALUES
    (1, 'Ada Lovelace', 'ada@example.org', 36, 491701234567, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
    (2, 'Grace Hopper', 'Grace@Example.org', 85, NULL, NULL),
    (3, 'Ada Lovelace', NULL, 36, 491701234567, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
