-- name: instance_why
-- columns: item text
-- A live instance wins over retired ones of the same name.
SELECT row_to_json(v)::text AS item FROM scheduler.instance_why_v v
WHERE v.id = gateway.instance_named($1)
