CREATE TABLE public.orders (id int PRIMARY KEY, status varchar(9) COLLATE "C" DEFAULT 'new', note text);
INSERT INTO public.orders VALUES (1, 'paid', 'a'), (2, NULL, 'b'), (3, 'Paid', 'c');
