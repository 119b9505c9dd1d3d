ALTER TABLE {schema}.journal
    ADD COLUMN isolation text CHECK (isolation IN ('policy', 'role', 'unrestricted'));
COMMENT ON COLUMN {schema}.journal.isolation IS 'What confined the step: a login of its own (role), the rules for its statements (policy), or neither (unrestricted). NULL where nothing ran, and for what older runners wrote.';

CREATE TABLE {schema}.ticket (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    guest text NOT NULL,
    process integer NOT NULL,
    transaction xid8 NOT NULL,
    created timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires timestamptz NOT NULL,
    login text NOT NULL DEFAULT session_user,
    run text NOT NULL,
    actor text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
    revision text NOT NULL,
    outcome text NOT NULL,
    isolation text NOT NULL,
    source_digest bytea NOT NULL,
    component_digest bytea,
    duration_ms bigint NOT NULL,
    statements bigint NOT NULL,
    rows bigint NOT NULL,
    runner_version text NOT NULL,
    tag text,
    parents text[] NOT NULL,
    depends_on text[] NOT NULL,
    labels text[] NOT NULL,
    message text NOT NULL,
    manifest json NOT NULL,
    params json NOT NULL
);
COMMENT ON TABLE {schema}.ticket IS 'What one transaction of one session may have written about itself, once, by whoever knows the token whose SHA-256 digest this is. Empty between runs.';

-- Until now every manifest was recorded with a table of grants, and no table is
-- what it means for a project's own SQL to declare nothing.
UPDATE {schema}.revision SET manifest = (manifest::jsonb - 'capabilities')::json
    WHERE manifest ->> 'kind' = 'sql' AND manifest::jsonb -> 'capabilities' = '{}'::jsonb;
