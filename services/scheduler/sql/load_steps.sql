-- name: load_steps
-- columns: operation_id uuid, ordinal int4, instance_id uuid, name text, subject text, state text, detail text, started_ms int8, finished_ms int8
SELECT s.operation_id, s.ordinal, s.instance_id, s.name, s.subject, s.state, s.detail,
       coalesce((extract(epoch FROM s.started_at) * 1000)::bigint, 0) AS started_ms,
       coalesce((extract(epoch FROM s.finished_at) * 1000)::bigint, 0) AS finished_ms
FROM scheduler.operation_step s JOIN scheduler.operation o ON o.id = s.operation_id
WHERE o.state IN ('queued', 'running') ORDER BY s.operation_id, s.ordinal
