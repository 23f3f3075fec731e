-- name: signing_key_remove
-- columns: id text
DELETE FROM gateway.signing_key WHERE id = $1::uuid RETURNING id::text AS id
