DROP TRIGGER touch_updated_at ON public.orders;
DROP TRIGGER touch_updated_at ON public.cross_posts;
DROP TRIGGER touch_updated_at ON public.marketplace_accounts;
DROP TRIGGER touch_updated_at ON public.snap_jobs;
DROP TRIGGER touch_updated_at ON public.my_items;
DROP TRIGGER touch_updated_at ON public.user_prefs;
DROP TRIGGER touch_updated_at ON public.listings;
DROP FUNCTION public.touch_updated_at();
