-- name: load_operations
-- columns: id uuid, kind text, app_id uuid, target text, actor text, idempotency_key text, request_sha256 text, resource_id uuid, spec text, version text, count int8, state text, waits_for text, progress_done int4, progress_total int4, created_ms int8, updated_ms int8, next_line int8
SELECT id, kind, app_id, target, actor, idempotency_key, encode(request_sha256, 'hex') AS request_sha256, resource_id,
       spec::text AS spec, coalesce(spec->>'version', '') AS version, coalesce((spec->>'count')::bigint, 0) AS count, state, waits_for,
       progress_done, progress_total,
       (extract(epoch FROM created_at) * 1000)::bigint AS created_ms, (extract(epoch FROM updated_at) * 1000)::bigint AS updated_ms,
       (SELECT coalesce(max(l.line), 0) + 1 FROM scheduler.operation_log l WHERE l.operation_id = o.id) AS next_line
FROM scheduler.operation o WHERE state IN ('queued', 'running') ORDER BY created_at, id
