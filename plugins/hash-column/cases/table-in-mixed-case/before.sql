CREATE TABLE public."People" (id int PRIMARY KEY, customer int);
INSERT INTO public."People" VALUES (1, 4711), (2, 815), (3, NULL);
