-- name: webhook_get
-- columns: item text
SELECT row_to_json(v)::text AS item FROM gateway.webhook_v v WHERE v.name = $1
