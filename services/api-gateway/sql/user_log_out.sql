-- name: user_log_out
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.user_log_out($1, $2, $3, $4, $5)
