-- name: change_key_find
-- columns: same bool, resource_id uuid, result text
SELECT request_sha256 = $3::bytea AS same, resource_id, result FROM ipam.operation_ref WHERE actor = $1::text AND idempotency_key = $2::text
