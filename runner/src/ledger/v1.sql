CREATE TABLE {schema}.ledger (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    version integer NOT NULL,
    upgraded_at timestamptz NOT NULL,
    runner_version text NOT NULL
);
INSERT INTO {schema}.ledger (version, upgraded_at, runner_version) VALUES (1, now(), '');
COMMENT ON TABLE {schema}.ledger IS 'The version of runner''s ledger. One row.';

CREATE TABLE {schema}.component (
    digest bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    size bigint NOT NULL,
    zstd bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
);
ALTER TABLE {schema}.component ALTER COLUMN zstd SET STORAGE EXTERNAL;
COMMENT ON TABLE {schema}.component IS 'The bytes of every component that ran, once per SHA-256 digest, compressed with Zstandard.';

CREATE TABLE {schema}.revision (
    revision text PRIMARY KEY,
    parents text[] NOT NULL,
    depends_on text[] NOT NULL,
    labels text[] NOT NULL,
    message text NOT NULL,
    source_digest bytea NOT NULL,
    component_digest bytea NOT NULL REFERENCES {schema}.component,
    manifest json NOT NULL,
    params json NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    applied_by text NOT NULL DEFAULT session_user,
    actor text NOT NULL,
    run text NOT NULL,
    duration_ms bigint NOT NULL,
    statements bigint NOT NULL,
    rows bigint NOT NULL,
    runner_version text NOT NULL
);
COMMENT ON TABLE {schema}.revision IS 'One row for each revision that is applied now.';

CREATE TABLE {schema}.journal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    login text NOT NULL DEFAULT session_user,
    actor text NOT NULL,
    direction text NOT NULL,
    revision text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'failed')),
    source_digest bytea NOT NULL,
    component_digest bytea NOT NULL,
    duration_ms bigint NOT NULL,
    statements bigint,
    rows bigint,
    sqlstate text,
    error text,
    runner_version text NOT NULL
);
COMMENT ON TABLE {schema}.journal IS 'Every step that was run, successful or not. Only ever appended to.';

CREATE FUNCTION {schema}.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $function$
BEGIN
    RAISE EXCEPTION 'runner''s journal is only ever appended to';
END
$function$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {schema}.journal
    FOR EACH STATEMENT EXECUTE FUNCTION {schema}.refuse_change();
