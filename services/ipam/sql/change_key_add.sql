-- name: change_key_add
-- columns: none
INSERT INTO ipam.operation_ref (actor, idempotency_key, request_sha256, resource_id, result)
VALUES ($1::text, $2::text, $3::bytea, $4::uuid, $5::text)
