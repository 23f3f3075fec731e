-- name: token_create
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.token_create($1, $2, $3, $4, $5, $6::bytea, $7, $8, $9::int, $10, $11, $12, $13)
