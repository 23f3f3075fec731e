-- name: user_update
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.user_update($1, $2, $3, $4, $5, $6, $7, $8)
