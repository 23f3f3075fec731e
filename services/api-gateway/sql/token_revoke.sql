-- name: token_revoke
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.token_revoke($1, $2, $3, $4, $5, $6)
