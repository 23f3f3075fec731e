-- name: key_drop
-- columns: none
SELECT gateway.key_drop($1, $2, $3)
