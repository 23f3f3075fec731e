-- name: vlans
-- columns: id uuid, name text, vlan_id int4, vrf int4, group text, mtu int4, isolated bool, dns_zone text
SELECT id, name, vlan_id, vrf, vlan_group AS "group", mtu, isolated, dns_zone FROM ipam.vlan ORDER BY created_at, id
