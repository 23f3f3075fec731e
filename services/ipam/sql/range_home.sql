-- name: range_home
-- columns: id uuid, cidr text, vlan text
-- $1 VRF by name, $2 an address: the subnet that it lies in
SELECT s.id, s.cidr::text AS cidr, v.name AS vlan
FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = s.vrf
WHERE r.name = $1::text AND s.cidr >>= $2::inet
