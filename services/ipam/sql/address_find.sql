-- name: address_find
-- columns: subnet uuid, cidr text, vlan text, state text, holder text, free_in_ms int8, vrf int4
-- $1 VRF by name, $2 a VLAN by name, whose VRF goes first when it exists, $3 an address: its subnet, and what its row says; state is
-- empty when it is free.
SELECT s.id AS subnet, s.cidr::text AS cidr, v.name AS vlan, coalesce(a.state, '') AS state,
  coalesce('instance ' || o.name, 'instance ' || a.owner::text, nullif(a.owner_name, ''), nullif(a.reason, ''), '') AS holder,
  coalesce(ceil(extract(epoch FROM a.free_after - now()) * 1000)::int8, 0) AS free_in_ms, s.vrf
FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan
  LEFT JOIN ipam.address a ON a.vrf = s.vrf AND a.address = $3::inet
  LEFT JOIN scheduler.address_owner_v o ON o.owner = a.owner
WHERE s.vrf = coalesce((SELECT own.vrf FROM ipam.vlan own WHERE own.name = $2::text), (SELECT r.number FROM ipam.vrf r WHERE r.name = $1::text))
  AND s.cidr >>= $3::inet
