-- name: operation_retry
-- columns: kind text, app text, version text, state text, count int8, parallel int8, failures_max int8, targets text, host text, strategy text, what text
-- targets: what was not done: of a bulk operation the targets of its children, else instances of its steps
SELECT v.kind, v.app, coalesce(v.spec->>'version', '') AS version, v.state, coalesce((v.spec->>'count')::bigint, 0) AS count,
  coalesce((v.children->>'parallel')::bigint, 0) AS parallel, coalesce((v.children->>'failuresMax')::bigint, 0) AS failures_max,
  coalesce(array_to_string(CASE
    WHEN v.kind LIKE 'bulk.%' THEN (SELECT array_agg(c."resourceId" ORDER BY c.id) FROM scheduler.operation_v c
      WHERE c.parent = v.id AND c.state <> 'done')
    WHEN v.kind LIKE 'instance.%' THEN ARRAY[v."resourceId"]
    ELSE (SELECT array_agg(DISTINCT s."instanceId") FROM scheduler.operation_step_v s
      WHERE s.operation_id = v.id AND s.state <> 'done' AND s."instanceId" IS NOT NULL) END, ','), '') AS targets,
  CASE WHEN v.kind = 'instance.move' THEN coalesce(v.spec->>'to', '') ELSE '' END AS host,
  coalesce((SELECT r.strategy::text FROM scheduler.rollout_v r WHERE r.operation = v.id),
    (SELECT r.strategy::text FROM scheduler.operation_v c JOIN scheduler.rollout_v r ON r.operation = c.id WHERE c.parent = v.id LIMIT 1), '{}') AS strategy,
  CASE v.kind WHEN 'app.resize' THEN v.spec->>'plan' WHEN 'app.rebuild' THEN coalesce(v.spec->>'image', '')
    WHEN 'app.middleware' THEN v.spec->>'middleware' WHEN 'bulk.middleware' THEN v.spec->>'middleware' ELSE '' END AS what
FROM scheduler.operation_v v WHERE v.id = $1::uuid
