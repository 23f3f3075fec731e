-- name: load_operations
-- columns: id uuid, kind text, app_id uuid, target text, actor text, idempotency_key text, request_sha256 text, resource_id uuid, spec text, version text, count int8, state text, waits_for text, progress_done int4, progress_total int4, reason text, parent_id uuid, retry_of uuid, position int8, targets text, parallel int4, failures_max int4, children_total int4, children_done int4, children_failed int4, children_cancelled int4, error text, cancelled_by text, started_ms int8, created_ms int8, updated_ms int8, next_line int8, to_host text, plan text, bandwidth text, image text, include_pinned bool, deadline_s int8, of_group text, pick text
SELECT id, kind, app_id, target, actor, idempotency_key, encode(request_sha256, 'hex') AS request_sha256, resource_id,
       spec::text AS spec, coalesce(spec->>'version', '') AS version, coalesce((spec->>'count')::bigint, 0) AS count, state, waits_for,
       progress_done, progress_total, reason, parent_id, retry_of, position, array_to_string(targets, ',') AS targets, parallel, failures_max,
       children_total, children_done, children_failed, children_cancelled, error, cancelled_by,
       coalesce((date_part('epoch', started_at) * 1000)::bigint, 0) AS started_ms,
       (date_part('epoch', created_at) * 1000)::bigint AS created_ms, (date_part('epoch', updated_at) * 1000)::bigint AS updated_ms,
       coalesce((SELECT l.first + l.count FROM scheduler.operation_log_part l WHERE l.operation_id = o.id
         ORDER BY l.first DESC LIMIT 1),
         (SELECT 1 + json_array_length(s.lines) FROM scheduler.operation_start s WHERE s.operation_id = o.id), 1) AS next_line,
       coalesce(spec->>'to', '') AS to_host, coalesce(spec->>'plan', '') AS plan, coalesce(spec->>'bandwidthKbit', '') AS bandwidth, coalesce(spec->>'middleware', spec->>'image', '') AS image,
       coalesce((spec->>'includePinned')::boolean, false) AS include_pinned,
       coalesce((spec->>'deadlineSeconds')::bigint, 0) AS deadline_s,
       coalesce(spec->>'group', '') AS of_group, coalesce(spec->>'pick', 'spread') AS pick
FROM scheduler.operation o WHERE state IN ('queued', 'running') AND kind NOT IN ('host.install', 'bulk.host.install') -- the gateway's
ORDER BY position, created_at, id
