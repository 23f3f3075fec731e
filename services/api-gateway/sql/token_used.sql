-- name: token_used
-- columns: none
UPDATE gateway.token SET last_used_at = now() WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < now() - interval '1 minute')
