-- How full named pools are: as of subnets, a level that is told when it changes. IPv4 and IPv6 ranges of a pool fill apart from each other.
CREATE TABLE ipam.pool_usage (
  vlan       uuid NOT NULL REFERENCES ipam.vlan (id) ON DELETE CASCADE,
  pool       text NOT NULL,
  family     integer NOT NULL CHECK (family IN (4, 6)),
  level      text NOT NULL CHECK (level IN ('ok', 'notice', 'warning', 'critical')),
  used       bigint NOT NULL,
  unusable   bigint NOT NULL,
  cooling    bigint NOT NULL,
  size       bigint NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (vlan, pool, family)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ipam.pool_usage TO sot_ipam;
-- As before, with the level: the worse one of its families.
CREATE OR REPLACE VIEW ipam.pool_v AS
  SELECT v.name || '/' || g.pool AS name, v.name AS vlan, g.pool, CASE WHEN v.vlan_group <> '' THEN v.vlan_group || '/' || g.pool END AS "groupName",
         r.name AS vrf, json_agg(json_build_object('first', host(g.first), 'last', host(g.last), 'subnet', s.cidr::text) ORDER BY g.first) AS ranges,
         least(sum(ipam.span(g.first, g.last)), 9223372036854775807)::bigint AS size,
         sum(n.reserved)::bigint AS reserved, sum(n.bound)::bigint AS bound, sum(n.static)::bigint AS static, sum(n.cooling)::bigint AS cooling,
         sum(n.excluded)::bigint AS excluded, sum(n.conflict)::bigint AS conflict, sum(n.suspect)::bigint AS suspect,
         coalesce((SELECT u.level FROM ipam.pool_usage u WHERE u.vlan = v.id AND u.pool = g.pool
                   ORDER BY array_position(ARRAY['critical', 'warning', 'notice', 'ok'], u.level) LIMIT 1), 'ok') AS level
  FROM ipam.address_range g JOIN ipam.subnet s ON s.id = g.subnet JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = g.vrf,
       LATERAL (SELECT count(*) FILTER (WHERE a.state = 'reserved') AS reserved, count(*) FILTER (WHERE a.state = 'bound') AS bound,
                       count(*) FILTER (WHERE a.state = 'static') AS static, count(*) FILTER (WHERE a.state = 'cooling') AS cooling,
                       count(*) FILTER (WHERE a.state = 'excluded') AS excluded, count(*) FILTER (WHERE a.state = 'conflict') AS conflict,
                       count(*) FILTER (WHERE a.state = 'suspect') AS suspect
                FROM ipam.address a WHERE a.vrf = g.vrf AND a.address BETWEEN g.first AND g.last) n
  WHERE g.pool <> '' GROUP BY v.id, r.name, g.pool;
