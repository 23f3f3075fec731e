-- name: token_get
-- columns: secret_sha256 bytea, account text, role text, host_id uuid, expired bool
SELECT t.secret_sha256, a.name AS account, a.role, t.host_id, t.expires_at <= now() AS expired
FROM gateway.token t LEFT JOIN gateway.account a ON a.name = t.account WHERE t.id = $1
