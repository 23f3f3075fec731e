-- name: zone_forward
-- columns: name text, address inet
-- $1: zone, $2: VRF, '' for any. Names of live instances and of static addresses, with their addresses.
SELECT DISTINCT lower(coalesce(nullif(a."ownerName", ''), a.instance)) AS name, a.inet AS address
FROM ipam.address_v a JOIN ipam.vlan_v v ON v.name = a.vlan
WHERE lower(v."dnsZone") = $1 AND ($2 = '' OR a.vrf = $2) AND a.state IN ('reserved', 'bound', 'static')
  AND lower(coalesce(nullif(a."ownerName", ''), a.instance)) ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
ORDER BY name, address
