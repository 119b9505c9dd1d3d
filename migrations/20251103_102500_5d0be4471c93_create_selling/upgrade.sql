-- What our users sell themselves: photographs become items, items are posted
-- to marketplaces through the user's accounts there, and posts become orders.

CREATE TABLE public.my_items (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id           uuid NOT NULL,
    source_listing_id uuid REFERENCES public.listings ON DELETE SET NULL,
    sku               text,
    title             text NOT NULL CHECK (title <> ''),
    description       text,
    condition         public.condition_enum NOT NULL,
    cost              numeric(12, 2) CHECK (cost >= 0),
    asking_price      numeric(12, 2) CHECK (asking_price >= 0),
    currency          char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    status            text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'listed', 'reserved', 'sold', 'withdrawn')),
    image_urls        text[] NOT NULL DEFAULT '{}',
    attributes        jsonb NOT NULL DEFAULT '{}',
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, sku)
);
COMMENT ON TABLE public.my_items IS 'Things that our users own and sell.';
COMMENT ON COLUMN public.my_items.source_listing_id IS 'The listing that it was bought from, for the margin that was really made.';

CREATE INDEX my_items_user_id_idx ON public.my_items (user_id, status);
CREATE INDEX my_items_source_listing_id_idx ON public.my_items (source_listing_id);

CREATE TABLE public.snap_jobs (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     uuid NOT NULL,
    item_id     uuid REFERENCES public.my_items ON DELETE SET NULL,
    photo_urls  text[] NOT NULL CHECK (cardinality(photo_urls) > 0),
    status      text NOT NULL DEFAULT 'queued' CHECK (status IN ('queued', 'running', 'done', 'failed')),
    attempts    smallint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    suggestion  jsonb,
    error       text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    started_at  timestamptz,
    finished_at timestamptz,
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CHECK (finished_at >= started_at)
);
COMMENT ON TABLE public.snap_jobs IS 'Photographs to be turned into an item: title, condition and price suggested by a model.';

-- The workers take the oldest first, with FOR UPDATE SKIP LOCKED.
CREATE INDEX snap_jobs_queue_idx ON public.snap_jobs (created_at) WHERE status IN ('queued', 'running');
CREATE INDEX snap_jobs_item_id_idx ON public.snap_jobs (item_id);

CREATE TABLE public.marketplace_accounts (
    id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          uuid NOT NULL,
    marketplace      text NOT NULL,
    account_name     text NOT NULL,
    -- A reference into the vault. The token itself is never stored here.
    credential_ref   text NOT NULL,
    scopes           text[] NOT NULL DEFAULT '{}',
    settings         jsonb NOT NULL DEFAULT '{}',
    is_active        boolean NOT NULL DEFAULT true,
    token_expires_at timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, marketplace, account_name)
);
COMMENT ON TABLE public.marketplace_accounts IS 'The accounts through which we post for our users.';

CREATE INDEX marketplace_accounts_expiry_idx ON public.marketplace_accounts (token_expires_at) WHERE is_active;

CREATE TABLE public.cross_posts (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    item_id      uuid NOT NULL REFERENCES public.my_items ON DELETE CASCADE,
    account_id   uuid NOT NULL REFERENCES public.marketplace_accounts ON DELETE RESTRICT,
    external_id  text,
    url          text,
    price        numeric(12, 2) NOT NULL CHECK (price >= 0),
    status       text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'live', 'ended', 'failed')),
    last_error   text,
    posted_at    timestamptz,
    ended_at     timestamptz,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, external_id)
);
COMMENT ON TABLE public.cross_posts IS 'One item on one marketplace.';

-- An item is on sale at most once through one account; ended posts stay.
CREATE UNIQUE INDEX cross_posts_one_open_idx ON public.cross_posts (item_id, account_id) WHERE status IN ('pending', 'live');

CREATE TABLE public.orders (
    id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    cross_post_id   uuid NOT NULL REFERENCES public.cross_posts ON DELETE RESTRICT,
    external_id     text NOT NULL,
    buyer_name      text NOT NULL,
    ship_to         jsonb NOT NULL,
    total           numeric(12, 2) NOT NULL CHECK (total >= 0),
    fees            numeric(12, 2) NOT NULL DEFAULT 0 CHECK (fees >= 0),
    currency        char(3) NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    status          text NOT NULL DEFAULT 'paid' CHECK (status IN ('paid', 'shipped', 'delivered', 'refunded', 'cancelled')),
    tracking_number text,
    ordered_at      timestamptz NOT NULL,
    shipped_at      timestamptz,
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (cross_post_id, external_id),
    CHECK (fees <= total)
);
COMMENT ON TABLE public.orders IS 'Sales. Kept for the books: what it refers to cannot be deleted.';

CREATE INDEX orders_open_idx ON public.orders (ordered_at) WHERE status = 'paid';
