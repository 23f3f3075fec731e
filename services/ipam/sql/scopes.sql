-- name: scopes
-- columns: vlan uuid, kind text, name text
SELECT vlan, kind, name FROM ipam.vlan_scope ORDER BY vlan, kind, name
