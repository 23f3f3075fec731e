-- Containers on a host that no assignment knows: as its agent told them last, and who of them is ignored, by name. A line each, with
-- tabs between what is said of one (services/scheduler/core/containers.c).
ALTER TABLE scheduler.host ADD COLUMN containers text NOT NULL DEFAULT '', ADD COLUMN ignored text NOT NULL DEFAULT '';

CREATE VIEW scheduler.host_container_v AS
  SELECT h.name AS host, f[1] AS id, f[2] AS name, f[3] AS image, f[4] AS state,
         to_timestamp(nullif(f[5], '0')::bigint * 0.001::float8) AS "createdAt", nullif(f[6], '')::uuid AS instance, f[7] AS "instanceName", f[8] AS app,
         f[2] = ANY (string_to_array(h.ignored, E'\n')) AS ignored,
         CASE WHEN f[6] = '' THEN 'foreign'
              WHEN EXISTS (SELECT FROM scheduler.instance i WHERE i.state <> 'retired' AND (i.id = nullif(f[6], '')::uuid OR i.name = f[7])) THEN 'copy'
              ELSE 'lost' END AS kind
  FROM scheduler.host h, LATERAL unnest(string_to_array(h.containers, E'\n')) AS line, LATERAL string_to_array(line, E'\t') AS f
  WHERE line <> '';
GRANT SELECT ON scheduler.host_container_v TO sot_gateway, sot_bridge;
