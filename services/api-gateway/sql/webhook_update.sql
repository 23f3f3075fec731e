-- name: webhook_update
-- columns: outcome text, item text
SELECT outcome, item FROM gateway.webhook_update($1, $2, $3, $4, $5, $6, $7::bigint)
