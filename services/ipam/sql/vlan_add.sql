-- name: vlan_add
-- columns: none
INSERT INTO ipam.vlan (id, name, vlan_id) VALUES ($1::uuid, $2::text, $3::int4)
