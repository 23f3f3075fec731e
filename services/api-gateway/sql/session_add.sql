-- name: session_add
-- columns: expires text
WITH seen AS (UPDATE gateway.account SET last_login_at = now() WHERE name = $3 RETURNING 1)
INSERT INTO gateway.session (id_sha256, csrf, account, expires_at, source_address)
SELECT $1::bytea, $2, $3, now() + make_interval(secs => $4::double precision), $5 WHERE EXISTS (SELECT 1 FROM seen)
RETURNING to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS expires
