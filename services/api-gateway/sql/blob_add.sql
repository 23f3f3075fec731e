-- name: blob_add
-- columns: none
INSERT INTO gateway.blob (sha256, size_bytes, created_by) VALUES ($1::bytea, $2::bigint, $3)
ON CONFLICT (sha256) DO UPDATE SET created_at = now()
