-- name: token_add
-- columns: none
INSERT INTO gateway.token (id, secret_sha256, account, description, expires_at)
VALUES ($1, $2::bytea, $3, 'made by the command line', now() + make_interval(days => $4::int))
