-- name: token_get
-- columns: secret_sha256 bytea, account text, role text, host_id uuid, expired bool, grants text, role_max text, team text, app text, environment text, expires_ms int8
SELECT t.secret_sha256, a.name AS account, a.role, t.host_id, t.expires_at <= now() OR coalesce(a.disabled, false) AS expired,
  gateway.grants_of(a.name) AS grants, t.role AS role_max, t.team, t.app, t.environment,
  (extract(epoch FROM t.expires_at) * 1000)::bigint AS expires_ms
FROM gateway.token t LEFT JOIN gateway.account a ON a.name = t.account WHERE t.id = $1
