CREATE TABLE public.orders (id bigint PRIMARY KEY);
CREATE TABLE public.lines (id bigint PRIMARY KEY, created_at date);
