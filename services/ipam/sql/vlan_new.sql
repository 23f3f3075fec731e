-- name: vlan_new
-- columns: none
INSERT INTO ipam.vlan (id, name, vlan_id, vrf, vlan_group, mtu, isolated, dns_zone, description)
SELECT $1::uuid, $2::text, $3::int4, r.number, $5::text, $6::int4, $7::bool, $8::text, $9::text FROM ipam.vrf r WHERE r.name = $4::text
