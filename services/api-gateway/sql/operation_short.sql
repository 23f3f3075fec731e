-- name: operation_short
-- columns: item text
SELECT row_to_json(v)::text AS item FROM scheduler.operation_v v WHERE v.id = $1::uuid
