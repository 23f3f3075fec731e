-- name: ssh_instance
-- columns: id uuid, name text, app text, host text, address text
-- The live instance of a name or id.
SELECT v.id, v.name, v.app, v.host, v.address FROM scheduler.instance_v v
WHERE v.id = gateway.instance_named($1) AND v.state <> 'retired'
