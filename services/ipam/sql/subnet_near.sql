-- name: subnet_near
-- columns: cidr text, vlan text
-- $1 a VLAN by name, $2 a subnet: one of the VLAN's VRF that shares addresses with it, the widest first.
SELECT s.cidr::text AS cidr, v.name AS vlan
FROM ipam.vlan own JOIN ipam.subnet s ON s.vrf = own.vrf JOIN ipam.vlan v ON v.id = s.vlan
WHERE own.name = $1::text AND s.cidr && $2::cidr
ORDER BY masklen(s.cidr), s.cidr
LIMIT 1
