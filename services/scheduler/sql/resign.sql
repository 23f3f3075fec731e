-- name: resign
-- columns: resign void
SELECT core.resign($1, $2, $3)
