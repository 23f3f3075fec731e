-- name: overview
-- columns: item text
SELECT json_build_object(
  'hosts', json_build_object('total', h.total, 'online', h.online, 'cordoned', h.cordoned, 'lost', h.lost),
  'brake', (SELECT row_to_json(b) FROM scheduler.brake_v b),
  'apps', (SELECT count(*) FROM scheduler.app_v),
  'instances', (SELECT json_build_object('total', coalesce(sum(n), 0), 'healthy', coalesce(sum(healthy), 0), 'byState', coalesce(json_object_agg(state, n), '{}'))
     FROM (SELECT CASE WHEN k.silent THEN 'unknown' ELSE k.state END AS state, count(*) AS n,
                  count(*) FILTER (WHERE k.state = 'running' AND k.health = 'healthy' AND NOT k.silent) AS healthy
        FROM (SELECT i.state, i.health, i."hostId" IS NOT NULL AND i."hostId" IN (SELECT s.id FROM scheduler.silent_host_v s) AS silent
              FROM scheduler.instance_key_v i WHERE i.state <> 'retired') k GROUP BY 1) b),
  'openOperations', (SELECT count(*) FROM scheduler.operation_v WHERE state IN ('queued', 'running')),
  'capacity', json_build_object('cpuMilli', h."cpuMilli", 'memoryBytes', h."memoryBytes", 'diskBytes', h."diskBytes"),
  'booked', json_build_object('cpuMilli', h."bookedCpuMilli", 'memoryBytes', h."bookedMemoryBytes", 'diskBytes', h."bookedDiskBytes"),
  'addresses', (SELECT json_build_object('size', coalesce(sum(size), 0), 'used', coalesce(sum(used), 0), 'cooling', coalesce(sum(cooling), 0)) FROM ipam.subnet_v),
  'cursor', (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c))::text AS item
FROM scheduler.cell_v h
