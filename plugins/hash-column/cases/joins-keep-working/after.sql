UPDATE public.people SET customer = CASE customer WHEN 4711 THEN 973549790 ELSE 849447901 END;
UPDATE public.people SET customer_text = customer::text WHERE customer_text IS NOT NULL;
