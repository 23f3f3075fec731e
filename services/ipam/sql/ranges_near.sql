-- name: ranges_near
-- columns: id uuid, first inet, last inet, kind text, pool text
-- $1 VRF by name, $2 first, $3 last: ranges that share addresses with it
SELECT g.id, g.first, g.last, g.kind, g.pool
FROM ipam.address_range g JOIN ipam.vrf r ON r.number = g.vrf
WHERE r.name = $1::text AND family(g.first) = family($2::inet) AND g.first <= $3::inet AND g.last >= $2::inet
ORDER BY g.first, g.last
