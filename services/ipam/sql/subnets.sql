-- name: subnets
-- columns: id uuid, network text, vlan_id int4, cidr text, gateway text, first inet, last inet
SELECT s.id, v.name AS network, v.vlan_id, s.cidr::text AS cidr, coalesce(host(s.gateway), '0.0.0.0') AS gateway, s.first, s.last
FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan
WHERE s.vrf = 0
ORDER BY s.created_at, s.id
