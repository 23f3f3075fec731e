-- name: instance_get
-- columns: item text, id uuid
-- A live instance wins over retired ones of the same name.
SELECT row_to_json(v)::text AS item, v.id FROM scheduler.instance_v v WHERE v.id = gateway.instance_named($1)
