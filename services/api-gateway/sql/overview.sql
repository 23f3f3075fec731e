-- name: overview
-- columns: item text
SELECT json_build_object(
  'hosts', json_build_object('total', h.total, 'online', h.online, 'cordoned', h.cordoned, 'lost', h.lost),
  'brake', (SELECT row_to_json(b) FROM scheduler.brake_v b),
  'apps', (SELECT count(*) FROM scheduler.app_v),
  'instances', (SELECT json_build_object('total', coalesce(sum(n), 0), 'healthy', coalesce(sum(healthy), 0), 'byState', coalesce(json_object_agg(state, n), '{}'))
     FROM (SELECT state, count(*) AS n, count(*) FILTER (WHERE state = 'running' AND health = 'healthy') AS healthy
        FROM scheduler.instance_key_v WHERE state <> 'retired' GROUP BY state) b),
  'openOperations', (SELECT count(*) FROM scheduler.operation_v WHERE state IN ('queued', 'running')),
  'capacity', json_build_object('cpuMilli', h."cpuMilli", 'memoryBytes', h."memoryBytes", 'diskBytes', h."diskBytes"),
  'booked', json_build_object('cpuMilli', h."bookedCpuMilli", 'memoryBytes', h."bookedMemoryBytes", 'diskBytes', h."bookedDiskBytes"),
  'addresses', (SELECT json_build_object('size', coalesce(sum(size), 0), 'used', coalesce(sum(used), 0), 'cooling', coalesce(sum(cooling), 0)) FROM ipam.subnet_v),
  'cursor', (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c))::text AS item
FROM scheduler.cell_v h
