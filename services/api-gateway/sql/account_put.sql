-- name: account_put
-- columns: none
INSERT INTO gateway.account (name, role, password_hash) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET role = excluded.role, password_hash = excluded.password_hash
