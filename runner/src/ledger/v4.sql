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

-- Whoever may read what is applied may read what is in part.
DO $grants$
DECLARE
    reader record;
BEGIN
    FOR reader IN
        SELECT made.oid::pg_catalog.regclass AS made, privilege.grantee
        FROM {schema}.ledger ledger
        JOIN pg_catalog.pg_class this ON this.oid = ledger.tableoid
        JOIN pg_catalog.pg_class made ON made.relnamespace = this.relnamespace AND made.relname = 'statement'
        JOIN pg_catalog.pg_class known ON known.relnamespace = this.relnamespace AND known.relname = 'revision'
        CROSS JOIN pg_catalog.aclexplode(known.relacl) privilege
        WHERE privilege.privilege_type = 'SELECT' AND privilege.grantee <> known.relowner
    LOOP
        EXECUTE pg_catalog.format('GRANT SELECT ON %s TO %s', reader.made,
            CASE WHEN reader.grantee = 0 THEN 'PUBLIC' ELSE reader.grantee::pg_catalog.regrole::text END);
    END LOOP;
END
$grants$;
