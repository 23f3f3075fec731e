-- name: address_get
-- columns: item text
-- $1: address, $2: VRF, '' for the default one. One without a row is free.
SELECT (to_jsonb(v) - 'inet' - 'vrfNumber')::text AS item FROM ipam.address_v v
WHERE v.inet = $1::inet AND v.vrf = coalesce(nullif($2, ''), 'default')
UNION ALL
SELECT json_build_object('address', host($1::inet), 'vlan', s.vlan, 'vrf', s.vrf, 'subnet', s.cidr, 'state', 'free')::text
FROM ipam.subnet_v s
WHERE $1::inet <<= s.cidr::inet AND s.vrf = coalesce(nullif($2, ''), 'default')
  AND NOT EXISTS (SELECT 1 FROM ipam.address_v v WHERE v.inet = $1::inet AND v.vrf = s.vrf)
LIMIT 1
