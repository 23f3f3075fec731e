-- name: overview
-- columns: item text
SELECT json_build_object(
  'hosts', (SELECT json_build_object('total', count(*), 'online', count(*) FILTER (WHERE state = 'online'),
     'cordoned', count(*) FILTER (WHERE NOT schedulable),
     'lost', count(*) FILTER (WHERE state IN ('agent_lost', 'host_lost'))) FROM scheduler.host_v WHERE state <> 'retired'),
  'brake', (SELECT row_to_json(b) FROM scheduler.brake_v b),
  'apps', (SELECT count(*) FROM scheduler.app_v),
  'instances', (SELECT json_build_object('total', coalesce(sum(n), 0), 'healthy', coalesce(sum(healthy), 0), 'byState', coalesce(json_object_agg(state, n), '{}'))
     FROM (SELECT state, count(*) AS n, count(*) FILTER (WHERE state = 'running' AND health = 'healthy') AS healthy
        FROM scheduler.instance_v WHERE state <> 'retired' GROUP BY state) b),
  'openOperations', (SELECT count(*) FROM scheduler.operation_v WHERE state IN ('queued', 'running')),
  'capacity', (SELECT json_build_object('cpuMilli', coalesce(sum((capacity->>'cpuMilli')::bigint), 0),
     'memoryBytes', coalesce(sum((capacity->>'memoryBytes')::bigint), 0), 'diskBytes', coalesce(sum((capacity->>'diskBytes')::bigint), 0))
     FROM scheduler.host_v WHERE state <> 'retired'),
  'booked', (SELECT json_build_object('cpuMilli', coalesce(sum((booked->>'cpuMilli')::bigint), 0),
     'memoryBytes', coalesce(sum((booked->>'memoryBytes')::bigint), 0), 'diskBytes', coalesce(sum((booked->>'diskBytes')::bigint), 0))
     FROM scheduler.host_v WHERE state <> 'retired'),
  'addresses', (SELECT json_build_object('size', coalesce(sum(size), 0), 'used', coalesce(sum(used), 0), 'cooling', coalesce(sum(cooling), 0)) FROM ipam.subnet_v),
  'cursor', (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c))::text AS item
