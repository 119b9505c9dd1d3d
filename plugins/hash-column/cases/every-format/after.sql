UPDATE public.people SET name = 'Kim', age = 79,
    phone = 9862603295, token = 'cc532002-5a91-8cd9-9240-14426eea4087' WHERE id IN (1, 3);
UPDATE public.people SET name = 'Noor', age = 50 WHERE id = 2;
UPDATE public.people SET email = '619a989cad680113379a@copy.test' WHERE id = 1;
UPDATE public.people SET email = 'a135ce58193ab0b340a1@copy.test' WHERE id = 2;
