DROP TABLE public.orders;
DROP TABLE public.cross_posts;
DROP TABLE public.marketplace_accounts;
DROP TABLE public.snap_jobs;
DROP TABLE public.my_items;
