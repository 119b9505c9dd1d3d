CREATE TABLE public."Patients" (id int PRIMARY KEY, scan bytea);
INSERT INTO public."Patients" VALUES (1, '\x00ff'), (2, NULL);
