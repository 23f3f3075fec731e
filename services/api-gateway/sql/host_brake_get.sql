-- name: host_brake_get
-- columns: item text
SELECT row_to_json(v)::text AS item FROM scheduler.brake_v v
