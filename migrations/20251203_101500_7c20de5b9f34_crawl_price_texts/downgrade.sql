DROP TABLE public.price_sightings;
