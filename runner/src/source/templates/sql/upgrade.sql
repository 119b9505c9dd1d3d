-- ${message}
--
-- Runs inside the runner's transaction: no BEGIN, no COMMIT. For what cannot
-- (CREATE INDEX CONCURRENTLY, VACUUM): transaction = "none" in migration.toml.

