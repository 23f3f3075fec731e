-- name: zone_exists
-- columns: it bool
-- $1: zone, $2: its network/prefix, '' when it is a forward zone, $3: VRF, '' for any (forward) or the default one (reverse)
SELECT CASE WHEN $2 = '' THEN EXISTS (SELECT 1 FROM ipam.vlan_v v WHERE lower(v."dnsZone") = $1 AND ($3 = '' OR v.vrf = $3))
  ELSE EXISTS (SELECT 1 FROM ipam.subnet_v s JOIN ipam.vlan_v v ON v.name = s.vlan
               WHERE v."dnsZone" <> '' AND s.cidr::inet && nullif($2, '')::inet AND s.vrf = coalesce(nullif($3, ''), 'default')) END AS it
