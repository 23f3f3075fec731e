-- name: exec_instance
-- columns: id uuid, name text, state text, host uuid, host_name text
-- The live instance of a name or id, and its host.
SELECT v.id, v.name, v.state, v.host, v.host_name FROM scheduler.instance_place_v v
WHERE v.id = gateway.instance_named($1) AND v.state <> 'retired'
