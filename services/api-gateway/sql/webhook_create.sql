-- name: webhook_create
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.webhook_create($1, $2, $3, $4, $5, $6, $7, $8::text[], $9, $10, $11)
