-- name: vlan_find
-- columns: id uuid, name text, vlan_id int4, vrf text, vlan_group text, mtu int4, isolated bool, dns_zone text, description text, scopes text
SELECT v.id, v.name, v.vlan_id, r.name AS vrf, v.vlan_group, v.mtu, v.isolated, v.dns_zone, v.description,
  coalesce((SELECT string_agg(s.kind || ':' || s.name, ' ' ORDER BY (s.kind || ':' || s.name) COLLATE "C")
            FROM ipam.vlan_scope s WHERE s.vlan = v.id), '') AS scopes
FROM ipam.vlan v JOIN ipam.vrf r ON r.number = v.vrf
WHERE v.name = $1::text
