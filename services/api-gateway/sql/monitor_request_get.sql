-- name: monitor_request_get
-- columns: item text
SELECT row_to_json(v)::text AS item FROM monitor.request_v v WHERE v.id::text = $1
