CREATE TABLE public.people (tenant int, id uuid, name varchar(60), PRIMARY KEY (tenant, id));
INSERT INTO public.people VALUES
    (1, '5eed0000-0000-4000-8000-000000000001', 'Ada Lovelace'),
    (1, '5eed0000-0000-4000-8000-000000000002', 'José M. García'),
    (2, '5eed0000-0000-4000-8000-000000000001', 'Madonna'),
    (2, '5eed0000-0000-4000-8000-000000000002', NULL),
    (2, '5eed0000-0000-4000-8000-000000000003', 'Johann Wolfgang von Goethe');
