-- name: load_apps
-- columns: id uuid, name text, image text, plan text, vlan text, command text, version text, deleting bool, kind text, port int4, path text, interval_ms int8, timeout_ms int8, healthy_after int4, unhealthy_after int4, start_period_ms int8, created_ms int8, updated_ms int8
SELECT id, name, image, plan, vlan, command, version, deleting, health->>'kind' AS kind, (health->>'port')::int AS port,
       health->>'path' AS path, (health->>'intervalMs')::bigint AS interval_ms, (health->>'timeoutMs')::bigint AS timeout_ms,
       (health->>'healthyAfter')::int AS healthy_after, (health->>'unhealthyAfter')::int AS unhealthy_after,
       (health->>'startPeriodMs')::bigint AS start_period_ms,
       (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, (extract(epoch FROM updated_at) * 1000)::bigint AS updated_ms
FROM scheduler.app ORDER BY id
