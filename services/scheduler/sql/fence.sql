-- name: fence
-- columns: fence void
SELECT core.fence($1, $2)
