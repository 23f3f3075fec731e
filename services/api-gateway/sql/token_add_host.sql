-- name: token_add_host
-- columns: none
INSERT INTO gateway.token (id, secret_sha256, host_id, description, expires_at)
VALUES ($1, $2::bytea, $3::uuid, 'fetch token', now() + interval '5 years')
