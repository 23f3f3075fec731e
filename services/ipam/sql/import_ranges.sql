-- name: import_ranges
-- columns: id uuid, vrf text, first inet, last inet, kind text, owner text, reason text, pool text
SELECT g.id, r.name AS vrf, g.first, g.last, g.kind, g.owner, g.reason, g.pool
FROM ipam.address_range g JOIN ipam.vrf r ON r.number = g.vrf
ORDER BY g.vrf, g.first, g.last
