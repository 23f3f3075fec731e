-- name: ssh_host_instance
-- columns: name text, app text, address text
-- An instance, when it is the host's.
SELECT v.name, v.app, v.address FROM scheduler.instance_v v JOIN scheduler.host_v h ON h.name = v.host
WHERE v.id = $1::uuid AND h.id = $2::uuid AND v.state <> 'retired'
