-- name: instance_get
-- columns: item text, id uuid
-- A live instance wins over retired ones of the same name.
SELECT row_to_json(v)::text AS item, v.id FROM scheduler.instance_v v
WHERE v.name = $1 OR v.id::text = $1 ORDER BY (v.state = 'retired'), v.id DESC LIMIT 1
