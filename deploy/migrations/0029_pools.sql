-- A range of kind pool may have a name. Its addresses go only to who asks for that pool, as VLAN/POOL (or GROUP/POOL); what is asked for
-- by the name of a VLAN alone comes from what no named pool has.
ALTER TABLE ipam.address_range ADD COLUMN pool text NOT NULL DEFAULT ''
  CHECK (pool = '' OR kind = 'pool' AND pool ~ '^[a-z][a-z0-9-]{0,31}$');
CREATE OR REPLACE VIEW ipam.address_range_v AS
  SELECT g.id, v.name AS vlan, s.cidr::text AS subnet, r.name AS vrf, host(g.first) AS first, host(g.last) AS last, g.kind, g.owner, g.reason,
         g.created_at AS "createdAt", g.created_by AS "createdBy", g.pool
  FROM ipam.address_range g JOIN ipam.subnet s ON s.id = g.subnet JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = g.vrf;
-- One row a named pool: how many addresses its ranges have, and what they are by state.
CREATE VIEW ipam.pool_v AS
  SELECT v.name || '/' || g.pool AS name, v.name AS vlan, g.pool, CASE WHEN v.vlan_group <> '' THEN v.vlan_group || '/' || g.pool END AS "groupName",
         r.name AS vrf, json_agg(json_build_object('first', host(g.first), 'last', host(g.last), 'subnet', s.cidr::text) ORDER BY g.first) AS ranges,
         least(sum(ipam.span(g.first, g.last)), 9223372036854775807)::bigint AS size,
         sum(n.reserved)::bigint AS reserved, sum(n.bound)::bigint AS bound, sum(n.static)::bigint AS static, sum(n.cooling)::bigint AS cooling,
         sum(n.excluded)::bigint AS excluded, sum(n.conflict)::bigint AS conflict, sum(n.suspect)::bigint AS suspect
  FROM ipam.address_range g JOIN ipam.subnet s ON s.id = g.subnet JOIN ipam.vlan v ON v.id = s.vlan JOIN ipam.vrf r ON r.number = g.vrf,
       LATERAL (SELECT count(*) FILTER (WHERE a.state = 'reserved') AS reserved, count(*) FILTER (WHERE a.state = 'bound') AS bound,
                       count(*) FILTER (WHERE a.state = 'static') AS static, count(*) FILTER (WHERE a.state = 'cooling') AS cooling,
                       count(*) FILTER (WHERE a.state = 'excluded') AS excluded, count(*) FILTER (WHERE a.state = 'conflict') AS conflict,
                       count(*) FILTER (WHERE a.state = 'suspect') AS suspect
                FROM ipam.address a WHERE a.vrf = g.vrf AND a.address BETWEEN g.first AND g.last) n
  WHERE g.pool <> '' GROUP BY v.id, r.name, g.pool;
GRANT SELECT ON ipam.pool_v TO sot_gateway;
