-- name: operation_ref_add
-- columns: none
INSERT INTO ipam.operation_ref (actor, idempotency_key, request_sha256, resource_id) VALUES ($1::text, $2::text, $3::bytea, $4::uuid)
