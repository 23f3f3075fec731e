-- name: session_get
-- columns: csrf text, account text, role text
SELECT s.csrf, s.account, a.role FROM gateway.session s JOIN gateway.account a ON a.name = s.account
WHERE s.id_sha256 = $1::bytea AND s.expires_at > now()
