-- name: session_redeem
-- columns: account text, role text, csrf text, expires text
SELECT s.account, a.role, s.csrf, to_char(s.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS expires
FROM gateway.session s JOIN gateway.account a ON a.name = s.account
WHERE s.id_sha256 = $1::bytea AND s.expires_at > now() AND NOT a.disabled
