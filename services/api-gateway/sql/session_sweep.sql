-- name: session_sweep
-- columns: none
DELETE FROM gateway.session WHERE expires_at < now()
