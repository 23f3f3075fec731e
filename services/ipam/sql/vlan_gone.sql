-- name: vlan_gone
-- columns: none
DELETE FROM ipam.vlan WHERE id = $1::uuid
