-- name: load_elastic_rules
-- columns: app_id uuid, group_name text, name text, metric text, target_milli int8, window_s int8, value text, sum text, cron text, zone text, for_s int8, count int8
SELECT e.app_id, e.group_name, r->>'name' AS name, r->>'metric' AS metric, coalesce((r->>'target')::bigint, 0) * 1000 AS target_milli,
  coalesce((r->>'windowSeconds')::bigint, 0) AS window_s, coalesce(r->>'value', '') AS value, coalesce(r->>'sum', 'average') AS sum,
  coalesce(r->>'cron', '') AS cron, coalesce(r->>'zone', '') AS zone, coalesce((r->>'forSeconds')::bigint, 0) AS for_s,
  coalesce((r->>'count')::bigint, 0) AS count
FROM scheduler.elastic e CROSS JOIN LATERAL jsonb_array_elements(e.policy->'rules') WITH ORDINALITY AS of_rule(r, place)
ORDER BY e.app_id, e.group_name, place
