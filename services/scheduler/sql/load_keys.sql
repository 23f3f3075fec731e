-- name: load_keys
-- columns: actor text, idempotency_key text, request_sha256 text, operation_id uuid, resource_id uuid
SELECT actor, idempotency_key, encode(request_sha256, 'hex') AS request_sha256, id AS operation_id, resource_id FROM scheduler.operation
WHERE parent_id IS NULL AND kind <> 'bulk.host.install' -- those of children are made, not given; machines are the gateway's
  AND idempotency_key <> id::text -- forgotten: purge_keys
