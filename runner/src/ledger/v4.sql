CREATE TABLE {schema}.statement (
    revision text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('upgrade', 'downgrade')),
    number integer NOT NULL CHECK (number > 0),
    total integer NOT NULL CHECK (total >= number),
    digest bytea NOT NULL CHECK (octet_length(digest) = 32),
    text text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    done_at timestamptz,
    login text NOT NULL DEFAULT session_user,
    actor text NOT NULL,
    run text NOT NULL,
    duration_ms bigint,
    rows bigint,
    runner_version text NOT NULL,
    PRIMARY KEY (revision, direction, number)
);
COMMENT ON TABLE {schema}.statement IS 'The statements that were begun of a step without a transaction (transaction = "none") which is not finished. Empty where nothing is in part.';
COMMENT ON COLUMN {schema}.statement.done_at IS 'When it was done. NULL where it was begun, and nobody knows what became of it.';
