-- name: address_next
-- columns: subnet uuid, address inet, vrf int4
-- $1 VLAN by name, $2 family, $3 pool by name, or '' for what no named pool has: the lowest address that nothing holds, of the first subnet that has one. What is
-- free begins where something ends: at the first address, or behind a row, a range or a gateway.
WITH subnet AS (
  SELECT s.id, s.vrf, s.cidr, s.first, s.last, s.rank,
    s.gateway, s.gateway + CASE WHEN s.redundant_gateway THEN 2 ELSE 0 END AS gateway_end
  FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan
  WHERE v.name = $1::text AND family(s.cidr) = $2::int4 AND s.open
), pool AS (
  SELECT s.id AS subnet, greatest(g.first, s.first) AS first, least(g.last, s.last) AS last
  FROM subnet s JOIN ipam.address_range g ON g.subnet = s.id AND g.kind = 'pool' AND g.pool = $3::text
  UNION ALL
  SELECT s.id, s.first, s.last FROM subnet s
  WHERE $3::text = '' AND NOT EXISTS (SELECT FROM ipam.address_range g WHERE g.subnet = s.id AND g.kind = 'pool' AND g.pool = '')
), edge AS (
  SELECT subnet, first AS address FROM pool
  UNION SELECT a.subnet, a.address + 1 FROM ipam.address a JOIN subnet s ON s.id = a.subnet
    WHERE a.address < host(broadcast(s.cidr))::inet
  UNION SELECT a.subnet, a.address FROM ipam.address a JOIN subnet s ON s.id = a.subnet
    WHERE a.state = 'cooling' AND a.free_after <= now()
  UNION SELECT g.subnet, g.last + 1 FROM ipam.address_range g JOIN subnet s ON s.id = g.subnet
    WHERE (g.kind <> 'pool' OR g.pool <> $3::text) AND g.last < host(broadcast(s.cidr))::inet
  UNION SELECT s.id, s.gateway_end + 1 FROM subnet s WHERE s.gateway_end < host(broadcast(s.cidr))::inet
)
SELECT e.subnet, e.address, s.vrf
FROM edge e JOIN subnet s ON s.id = e.subnet
WHERE EXISTS (SELECT FROM pool p WHERE p.subnet = e.subnet AND e.address BETWEEN p.first AND p.last)
  AND NOT EXISTS (SELECT FROM ipam.address_range g WHERE g.subnet = e.subnet AND (g.kind <> 'pool' OR g.pool <> $3::text)
                  AND e.address BETWEEN g.first AND g.last)
  AND NOT coalesce(e.address BETWEEN s.gateway AND s.gateway_end, false)
  AND NOT EXISTS (SELECT FROM ipam.address a WHERE a.vrf = s.vrf AND a.address = e.address
                  AND (a.state <> 'cooling' OR a.free_after > now()))
ORDER BY s.rank, s.cidr, e.address
LIMIT 1
