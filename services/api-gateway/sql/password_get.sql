-- name: password_get
-- columns: password_hash text
SELECT coalesce(password_hash, '') AS password_hash FROM gateway.account WHERE name = $1
