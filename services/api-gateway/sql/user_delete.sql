-- name: user_delete
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.user_delete($1, $2, $3, $4, $5)
