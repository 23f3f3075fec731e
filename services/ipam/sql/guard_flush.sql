-- name: guard_flush
-- columns: xact text
-- A transaction with a number of its own waits for the disk when it commits, and so for all that was read before it.
SELECT pg_current_xact_id()::text AS xact
