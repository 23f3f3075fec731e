-- name: webhook_delete
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.webhook_delete($1, $2, $3, $4, $5)
