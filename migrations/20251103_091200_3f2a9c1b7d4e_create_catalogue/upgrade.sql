-- What the scout finds and tells its users: listings on other people's
-- marketplaces, how good each deal is, what comparable things sold for, who
-- wants to hear about it, and what they were told.
--
-- Users live in the identity service. Their ids come from there, so no column
-- `user_id` has a foreign key.

CREATE TYPE public.condition_enum AS ENUM ('poor', 'fair', 'good', 'great', 'excellent');
COMMENT ON TYPE public.condition_enum IS 'Condition of a thing for sale, worst first: comparisons follow this order.';

CREATE TABLE public.listings (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    marketplace   text NOT NULL CHECK (marketplace <> ''),
    external_id   text NOT NULL,
    url           text NOT NULL,
    title         text NOT NULL CHECK (title <> ''),
    description   text,
    category      text,
    price         numeric(12, 2) NOT NULL CHECK (price >= 0),
    currency      char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    condition     public.condition_enum,
    location      text,
    image_urls    text[] NOT NULL DEFAULT '{}',
    tags          text[] NOT NULL DEFAULT '{}',
    attributes    jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    is_available  boolean NOT NULL DEFAULT true,
    listed_at     timestamptz,
    first_seen_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (marketplace, external_id),
    CHECK (last_seen_at >= first_seen_at)
);
COMMENT ON TABLE public.listings IS 'Things for sale on other marketplaces, as the crawlers found them.';
COMMENT ON COLUMN public.listings.external_id IS 'The marketplace''s own id: what makes a crawl of the same page an update.';
COMMENT ON COLUMN public.listings.condition IS 'NULL where the seller did not say.';

CREATE INDEX listings_available_idx ON public.listings (category, price) WHERE is_available;
CREATE INDEX listings_last_seen_at_idx ON public.listings (last_seen_at);
CREATE INDEX listings_tags_idx ON public.listings USING gin (tags);
CREATE INDEX listings_attributes_idx ON public.listings USING gin (attributes jsonb_path_ops);
-- `simple`, because the listings are in a dozen languages.
CREATE INDEX listings_title_search_idx ON public.listings USING gin (to_tsvector('simple', title));

CREATE TABLE public.listing_scores (
    listing_id      uuid PRIMARY KEY REFERENCES public.listings ON DELETE CASCADE,
    score           smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    estimated_value numeric(12, 2) CHECK (estimated_value >= 0),
    margin          numeric(12, 2),
    confidence      real NOT NULL CHECK (confidence BETWEEN 0 AND 1),
    reasons         text[] NOT NULL DEFAULT '{}',
    features        jsonb NOT NULL DEFAULT '{}',
    model           text NOT NULL,
    scored_at       timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.listing_scores IS 'How good a deal a listing is, by the newest model that looked at it.';
COMMENT ON COLUMN public.listing_scores.margin IS 'Estimated value minus price and fees; negative for a bad deal.';

CREATE INDEX listing_scores_best_idx ON public.listing_scores (score DESC, scored_at DESC);

CREATE TABLE public.comps (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    listing_id  uuid NOT NULL REFERENCES public.listings ON DELETE CASCADE,
    marketplace text NOT NULL,
    url         text,
    title       text NOT NULL,
    sold_price  numeric(12, 2) NOT NULL CHECK (sold_price >= 0),
    currency    char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    condition   public.condition_enum,
    sold_at     date NOT NULL,
    similarity  real NOT NULL CHECK (similarity BETWEEN 0 AND 1)
);
COMMENT ON TABLE public.comps IS 'Comparable things that were sold: what a score''s estimated value rests on.';

CREATE INDEX comps_listing_id_idx ON public.comps (listing_id, similarity DESC);

CREATE TABLE public.user_prefs (
    user_id        uuid PRIMARY KEY,
    keywords       text[] NOT NULL DEFAULT '{}',
    excluded_words text[] NOT NULL DEFAULT '{}',
    categories     text[] NOT NULL DEFAULT '{}',
    min_condition  public.condition_enum NOT NULL DEFAULT 'fair',
    max_price      numeric(12, 2) CHECK (max_price > 0),
    min_score      smallint NOT NULL DEFAULT 70 CHECK (min_score BETWEEN 0 AND 100),
    channels       text[] NOT NULL DEFAULT '{email}' CHECK (channels <@ '{email,push,sms}'),
    quiet_hours    jsonb,
    time_zone      text NOT NULL DEFAULT 'UTC',
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE public.user_prefs IS 'What a user wants to hear about, how, and when not.';
COMMENT ON COLUMN public.user_prefs.quiet_hours IS 'An object with `from` and `to` as local times; NULL for none.';

CREATE INDEX user_prefs_keywords_idx ON public.user_prefs USING gin (keywords);

CREATE TABLE public.notifications (
    id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    uuid NOT NULL REFERENCES public.user_prefs ON DELETE CASCADE,
    listing_id uuid REFERENCES public.listings ON DELETE SET NULL,
    channel    text NOT NULL CHECK (channel IN ('email', 'push', 'sms')),
    status     text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'sent', 'failed', 'read')),
    payload    jsonb NOT NULL DEFAULT '{}',
    error      text,
    created_at timestamptz NOT NULL DEFAULT now(),
    sent_at    timestamptz,
    read_at    timestamptz,
    -- Nobody is told twice about one listing on one channel.
    UNIQUE (user_id, listing_id, channel),
    CHECK (status <> 'failed' OR error IS NOT NULL)
);
COMMENT ON TABLE public.notifications IS 'What users were told, and whether it reached them.';

CREATE INDEX notifications_queue_idx ON public.notifications (created_at) WHERE status = 'queued';
CREATE INDEX notifications_listing_id_idx ON public.notifications (listing_id);
