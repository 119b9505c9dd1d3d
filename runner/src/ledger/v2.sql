ALTER TABLE {schema}.journal
    ADD COLUMN tag text,
    ALTER COLUMN component_digest DROP NOT NULL,
    DROP CONSTRAINT journal_outcome_check,
    ADD CONSTRAINT journal_outcome_check CHECK (outcome IN ('done', 'failed', 'stamped'));
COMMENT ON TABLE {schema}.journal IS 'Every step that was run, successful or not, and every revision that was stamped. Only ever appended to.';
COMMENT ON COLUMN {schema}.journal.tag IS 'What the option --tag said.';

ALTER TABLE {schema}.revision ALTER COLUMN component_digest DROP NOT NULL;
COMMENT ON COLUMN {schema}.revision.component_digest IS 'What ran, or what would run to take it back. NULL for a revision that was stamped and has no code.';
