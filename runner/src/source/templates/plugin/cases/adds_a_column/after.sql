-- What the plugin does, by hand.
ALTER TABLE public.listings ADD COLUMN note text;
