-- name: signing_key_add
-- columns: id text
INSERT INTO gateway.signing_key (app, key_id, public_key, comment, created_by) VALUES ($1, $2, $3, $4, $5)
RETURNING id::text AS id
