-- name: webhook_tried
-- columns: webhook_tried bool
SELECT gateway.webhook_tried($1, $2, $3::bigint, $4, $5::int)
