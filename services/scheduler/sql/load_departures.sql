-- name: load_departures
-- columns: host_id uuid, instance_id uuid, generation int8, desired text, name text, app text, created_ms int8
SELECT host_id, instance_id, generation, desired, name, app, (extract(epoch FROM created_at) * 1000)::bigint AS created_ms
FROM scheduler.departure ORDER BY created_at, instance_id
