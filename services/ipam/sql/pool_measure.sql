-- name: pool_measure
-- columns: vlan uuid, vlan_name text, pool text, used int8, unusable int8, cooling int8, size int8, level text, family int4
-- As usage_measure, of the named pools of each VLAN: what reserved and excluded ranges take of one is unusable.
WITH part AS (
  SELECT s.vlan, g.pool, family(g.first) AS family, g.subnet, g.vrf, network(s.cidr) AS base, g.first, g.last, ipam.span(g.first, g.last) AS size
  FROM ipam.address_range g JOIN ipam.subnet s ON s.id = g.subnet WHERE g.pool <> ''
), aside AS (
  SELECT g.subnet, range_agg(int8range(g.first - network(s.cidr), g.last - network(s.cidr), '[]')) AS taken
  FROM ipam.address_range g JOIN ipam.subnet s ON s.id = g.subnet WHERE g.kind <> 'pool' AND family(g.first) = 4 GROUP BY g.subnet
), cut AS (
  SELECT p.*, CASE WHEN p.family = 4 THEN int8multirange(int8range(p.first - p.base, p.last - p.base, '[]')) - coalesce(a.taken, '{}') END AS given
  FROM part p LEFT JOIN aside a ON a.subnet = p.subnet
), counted AS (
  SELECT c.vlan, c.pool, c.family, c.size,
    CASE c.family WHEN 4 THEN c.size - (SELECT coalesce(sum(upper(x) - lower(x)), 0)::int8 FROM unnest(c.given) AS x) ELSE 0 END AS aside,
    n.used, n.unusable, n.cooling
  FROM cut c CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE a.state IN ('reserved', 'bound', 'static')) AS used,
      count(*) FILTER (WHERE a.state IN ('excluded', 'conflict', 'suspect')) AS unusable, count(*) FILTER (WHERE a.state = 'cooling') AS cooling
    FROM ipam.address a
    WHERE a.vrf = c.vrf AND a.address BETWEEN c.first AND c.last AND (c.family = 6 OR c.given @> (a.address - c.base))
  ) n
)
SELECT c.vlan, v.name AS vlan_name, c.pool, sum(c.used)::int8 AS used, sum(c.unusable + c.aside)::int8 AS unusable, sum(c.cooling)::int8 AS cooling,
  least(sum(c.size), 9223372036854775807)::int8 AS size, coalesce(u.level, 'ok') AS level, c.family
FROM counted c JOIN ipam.vlan v ON v.id = c.vlan
  LEFT JOIN ipam.pool_usage u ON u.vlan = c.vlan AND u.pool = c.pool AND u.family = c.family
GROUP BY c.vlan, v.name, c.pool, c.family, u.level
ORDER BY c.vlan, c.pool, c.family
