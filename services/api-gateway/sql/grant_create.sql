-- name: grant_create
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.grant_create($1, $2, $3, $4, $5, $6, $7, $8, $9)
