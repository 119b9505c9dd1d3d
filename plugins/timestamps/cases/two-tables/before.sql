-- No rows: theirs would be times of the run, which differ from database to database.
CREATE TABLE public.orders (id bigint PRIMARY KEY, form json);
CREATE TABLE public.lines (order_id bigint REFERENCES public.orders, number int);
