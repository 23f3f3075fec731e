-- name: usage_measure
-- columns: subnet uuid, vlan text, cidr text, used int8, unusable int8, cooling int8, size int8, level text
-- What can be given out of each subnet, and how much of it is. IPv4: named pools, and the others (all between first
-- and last where there is none) without reserved and excluded ranges; what lies outside of that counts as unusable. IPv6 subnets are too large to be cut: rows are counted.
WITH place AS (
  SELECT s.id, s.cidr, family(s.cidr) AS family, v.name AS vlan, s.first, s.last,
    CASE WHEN family(s.cidr) = 4 THEN int8range(s.first - network(s.cidr), s.last - network(s.cidr), '[]') END AS whole
  FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan
), cut AS (
  SELECT g.subnet, range_agg(int8range(g.first - network(p.cidr), g.last - network(p.cidr), '[]')) FILTER (WHERE g.kind = 'pool' AND g.pool = '') AS pools,
    range_agg(int8range(g.first - network(p.cidr), g.last - network(p.cidr), '[]')) FILTER (WHERE g.pool <> '') AS named,
    range_agg(int8range(g.first - network(p.cidr), g.last - network(p.cidr), '[]')) FILTER (WHERE g.kind <> 'pool') AS aside
  FROM ipam.address_range g JOIN place p ON p.id = g.subnet AND p.family = 4 GROUP BY g.subnet
), room AS (
  SELECT p.*, (coalesce(c.pools, int8multirange(p.whole)) + coalesce(c.named, '{}')) * int8multirange(p.whole) AS base,
    (coalesce(c.pools, int8multirange(p.whole)) + coalesce(c.named, '{}')) * int8multirange(p.whole) - coalesce(c.aside, '{}') AS given
  FROM place p LEFT JOIN cut c ON c.subnet = p.id
), sized AS (
  SELECT r.*, CASE r.family WHEN 4 THEN (SELECT coalesce(sum(upper(x) - lower(x)), 0)::int8 FROM unnest(r.base) AS x)
      ELSE ipam.span(r.first, r.last) END AS size,
    CASE r.family WHEN 4 THEN (SELECT coalesce(sum(upper(x) - lower(x)), 0)::int8 FROM unnest(r.given) AS x) END AS given_size
  FROM room r
), counted AS (
  SELECT a.subnet, a.state, count(*) AS n
  FROM ipam.address a JOIN sized z ON z.id = a.subnet
  WHERE z.family = 6 OR z.given @> (a.address - network(z.cidr))
  GROUP BY a.subnet, a.state
)
SELECT z.id AS subnet, z.vlan, z.cidr::text AS cidr,
  (SELECT coalesce(sum(n), 0)::int8 FROM counted c WHERE c.subnet = z.id AND c.state IN ('reserved', 'bound', 'static')) AS used,
  (SELECT coalesce(sum(n), 0)::int8 FROM counted c WHERE c.subnet = z.id AND c.state IN ('excluded', 'conflict', 'suspect'))
    + coalesce(z.size - z.given_size, 0) AS unusable,
  (SELECT coalesce(sum(n), 0)::int8 FROM counted c WHERE c.subnet = z.id AND c.state = 'cooling') AS cooling,
  z.size, coalesce(u.level, 'ok') AS level
FROM sized z LEFT JOIN ipam.subnet_usage u ON u.subnet = z.id
ORDER BY z.id
