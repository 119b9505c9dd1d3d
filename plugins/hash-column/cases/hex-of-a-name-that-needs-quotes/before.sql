CREATE TABLE public.people (id int, region text, "Full Name" text NOT NULL, PRIMARY KEY (region, id));
INSERT INTO public.people VALUES (1, 'eu', 'Zoë'), (1, 'us', ''), (2, 'eu', 'Zoë');
