DROP TABLE public.notifications;
DROP TABLE public.user_prefs;
DROP TABLE public.comps;
DROP TABLE public.listing_scores;
DROP TABLE public.listings;
DROP TYPE public.condition_enum;
