-- ${message}
--
-- Runs inside the runner's transaction: no BEGIN, no COMMIT.

