-- name: load_apps
-- columns: id uuid, name text, image text, plan text, vlan text, command text, version text, deleting bool, kind text, port int4, path text, interval_ms int8, timeout_ms int8, healthy_after int4, unhealthy_after int4, start_period_ms int8, health_command text, restart_after int4, created_ms int8, updated_ms int8, team text, workload text, exclusive text, priority int4, preemptable bool, max_unavailable int8, az_prefer bool, az_max_skew int8, az_max_count int8, rack_prefer bool, rack_max_skew int8, rack_max_count int8, host_prefer bool, host_max_skew int8, host_max_count int8, required text, forbidden text, preferred text, tolerated text, zones text, relations text, recovery text, on_return text, middleware text, labels text, windows text, opt_outs text, middleware_before text, version_before text, keep_versions int4, keep_days int4
SELECT id, name, image, plan, vlan, command, version, deleting, health->>'kind' AS kind, (health->>'port')::int AS port,
       health->>'path' AS path, (health->>'intervalMs')::bigint AS interval_ms, (health->>'timeoutMs')::bigint AS timeout_ms,
       (health->>'healthyAfter')::int AS healthy_after, (health->>'unhealthyAfter')::int AS unhealthy_after,
       (health->>'startPeriodMs')::bigint AS start_period_ms, coalesce(health->>'command', '') AS health_command,
       coalesce((health->>'restartAfter')::int, 0) AS restart_after,
       (date_part('epoch', created_at) * 1000)::bigint AS created_ms, (date_part('epoch', updated_at) * 1000)::bigint AS updated_ms,
       coalesce(team, '') AS team, placement->>'workload' AS workload, placement->>'exclusive' AS exclusive,
       (placement->>'priority')::int AS priority, (placement->>'preemptable')::bool AS preemptable,
       (placement->>'maxUnavailable')::bigint AS max_unavailable,
       (placement->'spread'->'az'->>'prefer')::bool AS az_prefer, (placement->'spread'->'az'->>'maxSkew')::bigint AS az_max_skew,
       (placement->'spread'->'az'->>'maxCount')::bigint AS az_max_count,
       (placement->'spread'->'rack'->>'prefer')::bool AS rack_prefer, (placement->'spread'->'rack'->>'maxSkew')::bigint AS rack_max_skew,
       (placement->'spread'->'rack'->>'maxCount')::bigint AS rack_max_count,
       (placement->'spread'->'host'->>'prefer')::bool AS host_prefer, (placement->'spread'->'host'->>'maxSkew')::bigint AS host_max_skew,
       (placement->'spread'->'host'->>'maxCount')::bigint AS host_max_count,
       array_to_string(ARRAY(SELECT jsonb_array_elements_text(placement->'tags'->'required')), ',') AS required,
       array_to_string(ARRAY(SELECT jsonb_array_elements_text(placement->'tags'->'forbidden')), ',') AS forbidden,
       array_to_string(ARRAY(SELECT jsonb_array_elements_text(placement->'tags'->'preferred')), ',') AS preferred,
       array_to_string(ARRAY(SELECT jsonb_array_elements_text(placement->'tags'->'tolerated')), ',') AS tolerated,
       array_to_string(ARRAY(SELECT jsonb_array_elements_text(placement->'zones')), ',') AS zones,
       coalesce((SELECT string_agg(concat_ws(' ', r->>'kind', r->>'level', r->>'count', r->>'app'), ',' ORDER BY place)
                 FROM jsonb_array_elements(placement->'relations') WITH ORDINALITY AS e(r, place)), '') AS relations,
       recovery, on_return, middleware, scheduler.labels_text(labels) AS labels, windows, opt_outs, middleware_before, version_before, keep_versions, keep_days
FROM scheduler.app ORDER BY id
