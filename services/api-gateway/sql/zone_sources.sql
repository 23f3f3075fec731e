-- name: zone_sources
-- columns: zone text, vrf text, vlans text, subnet text
-- $1: VRF, '' for any. First the forward zones with the VLANs that name them, then the subnets of such VLANs.
SELECT lower(v."dnsZone") AS zone, min(v.vrf) AS vrf, json_agg(v.name ORDER BY v.name)::text AS vlans, NULL::text AS subnet
FROM ipam.vlan_v v WHERE v."dnsZone" <> '' AND ($1 = '' OR v.vrf = $1) GROUP BY lower(v."dnsZone")
UNION ALL
(SELECT '', s.vrf, NULL, s.cidr FROM ipam.subnet_v s JOIN ipam.vlan_v v ON v.name = s.vlan
 WHERE v."dnsZone" <> '' AND ($1 = '' OR v.vrf = $1) ORDER BY s.vrf, s.cidr::inet)
