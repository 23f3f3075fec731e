-- name: zone_reverse
-- columns: name text, address inet
-- $1: network/prefix of the zone, $2: VRF. Addresses of it with the full names that their VLANs' zones give them.
SELECT DISTINCT lower(coalesce(nullif(a."ownerName", ''), a.instance)) || '.' || lower(v."dnsZone") || '.' AS name, a.inet AS address
FROM ipam.address_v a JOIN ipam.vlan_v v ON v.name = a.vlan
WHERE v."dnsZone" <> '' AND a.vrf = $2 AND a.state IN ('reserved', 'bound', 'static')
  AND a.inet >= host(network($1::inet))::inet AND a.inet <= host(broadcast($1::inet))::inet
  AND lower(coalesce(nullif(a."ownerName", ''), a.instance)) ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'
ORDER BY address, name
