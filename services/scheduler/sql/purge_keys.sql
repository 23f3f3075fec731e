-- name: purge_keys
-- columns: none
-- What asks for an old operation again is a new request: the key of the row is its id from now on.
UPDATE scheduler.operation SET idempotency_key = id::text
WHERE created_at < now() - $1::bigint * interval '1 day' AND finished_at IS NOT NULL AND parent_id IS NULL AND idempotency_key <> id::text
