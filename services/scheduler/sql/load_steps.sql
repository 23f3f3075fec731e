-- name: load_steps
-- columns: operation_id uuid, ordinal int4, instance_id uuid, name text, subject text, state text, detail text, started_ms int8, finished_ms int8, batch int4
SELECT s.operation_id, s.ordinal, s.instance_id, s.name, s.subject, s.state, s.detail,
       coalesce((date_part('epoch', s.started_at) * 1000)::bigint, 0) AS started_ms,
       coalesce((date_part('epoch', s.finished_at) * 1000)::bigint, 0) AS finished_ms, s.batch
FROM scheduler.operation_step s JOIN scheduler.operation o ON o.id = s.operation_id
WHERE o.state IN ('queued', 'running') AND o.kind NOT IN ('host.install', 'bulk.host.install') ORDER BY s.operation_id, s.ordinal
