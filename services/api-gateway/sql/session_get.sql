-- name: session_get
-- columns: csrf text, account text, role text, grants text, expires_ms int8
SELECT s.csrf, s.account, a.role, gateway.grants_of(a.name) AS grants, (extract(epoch FROM s.expires_at) * 1000)::bigint AS expires_ms
FROM gateway.session s JOIN gateway.account a ON a.name = s.account
WHERE s.id_sha256 = $1::bytea AND s.expires_at > now() AND NOT a.disabled
