UPDATE public.people SET "Full Name" = CASE "Full Name" WHEN '' THEN '06689da03bbf' ELSE 'bb1e13d1f959' END;
