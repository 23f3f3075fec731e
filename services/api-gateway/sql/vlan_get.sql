-- name: vlan_get
-- columns: item text
SELECT row_to_json(v)::text AS item FROM ipam.vlan_v v WHERE v.name = $1 OR v.id::text = $1
