CREATE OR REPLACE FUNCTION {function}(token bytea) RETURNS bigint
    LANGUAGE sql VOLATILE STRICT PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET row_security = off
BEGIN ATOMIC
    WITH ticket AS (
        DELETE FROM {schema}.ticket AS held
        WHERE held.digest = pg_catalog.sha256(token)
            AND held.guest = session_user
            AND held.process = pg_catalog.pg_backend_pid()
            AND held.transaction = pg_catalog.pg_current_xact_id_if_assigned()
            AND held.expires > pg_catalog.clock_timestamp()
        RETURNING held.*
    ), journal AS (
        INSERT INTO {schema}.journal (run, login, actor, direction, revision, outcome, isolation, source_digest,
            component_digest, duration_ms, statements, rows, runner_version, tag)
        SELECT run, login, actor, direction, revision, outcome, isolation, source_digest,
            component_digest, duration_ms, statements, rows, runner_version, tag FROM ticket
    ), applied AS (
        INSERT INTO {schema}.revision (run, applied_by, actor, revision, source_digest, component_digest, duration_ms,
            statements, rows, runner_version, parents, depends_on, labels, message, manifest, params)
        SELECT run, login, actor, revision, source_digest, component_digest, duration_ms,
            statements, rows, runner_version, parents, depends_on, labels, message, manifest, params
        FROM ticket WHERE direction = 'upgrade'
        RETURNING 1
    ), gone AS (
        DELETE FROM {schema}.revision AS applied USING ticket
        WHERE applied.revision = ticket.revision AND ticket.direction = 'downgrade'
        RETURNING 1
    )
    SELECT (SELECT pg_catalog.count(*) FROM applied) + (SELECT pg_catalog.count(*) FROM gone);
END
