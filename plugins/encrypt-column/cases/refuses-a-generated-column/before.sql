CREATE TABLE public.patients (
    id        int PRIMARY KEY,
    diagnosis text,
    length    int GENERATED ALWAYS AS (char_length(diagnosis)) STORED
);
