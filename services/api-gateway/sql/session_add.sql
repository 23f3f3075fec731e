-- name: session_add
-- columns: expires text
INSERT INTO gateway.session (id_sha256, csrf, account, expires_at)
VALUES ($1::bytea, $2, $3, now() + make_interval(secs => $4::double precision))
RETURNING to_char(expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') AS expires
