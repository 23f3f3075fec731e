-- name: account_get
-- columns: password_hash text, role text
SELECT password_hash, role FROM gateway.account WHERE name = $1 AND NOT disabled
