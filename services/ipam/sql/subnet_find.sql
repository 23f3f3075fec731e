-- name: subnet_find
-- columns: id uuid, vlan text, rank int4, weight int4, open bool, dns text, description text
-- $1 VRF by name, $2 the subnet
SELECT s.id, v.name AS vlan, s.rank, s.weight, s.open, coalesce((SELECT string_agg(host(d), ' ' ORDER BY n)
         FROM unnest(s.dns) WITH ORDINALITY AS t(d, n)), '') AS dns, s.description
FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = s.vrf
WHERE r.name = $1::text AND s.cidr = $2::cidr
