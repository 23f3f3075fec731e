-- name: import_vlans
-- columns: id uuid, name text, vlan_id int4, vrf text, vlan_group text, mtu int4, isolated bool, dns_zone text, description text, scopes text
SELECT v.id, v.name, v.vlan_id, r.name AS vrf, v.vlan_group, v.mtu, v.isolated, v.dns_zone, v.description,
  coalesce(s.scopes, '') AS scopes
FROM ipam.vlan v JOIN ipam.vrf r ON r.number = v.vrf
  LEFT JOIN (SELECT vlan, string_agg(kind || ':' || name, ' ' ORDER BY (kind || ':' || name) COLLATE "C") AS scopes
             FROM ipam.vlan_scope GROUP BY vlan) s ON s.vlan = v.id
ORDER BY v.name
