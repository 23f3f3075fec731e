-- name: load_rollouts
-- columns: operation_id uuid, batch int8, batch_percent int8, canary int8, turn_order text, max_unavailable int8, surge int8, pause text, pause_s int8, bake_s int8, on_failure text, deadline_s int8, drain_s int8, errors_max int8, rotation_command text, at_batch int4, batches int4, batch_done_ms int8, passed int4, paused_by text, goes_back bool, back_by text, cause text
SELECT r.operation_id, coalesce((s->>'batch')::bigint, 0) AS batch, coalesce((s->>'batchPercent')::bigint, 0) AS batch_percent,
  coalesce((s->>'canary')::bigint, 0) AS canary, coalesce(s->>'order', 'age') AS turn_order, coalesce((s->>'maxUnavailable')::bigint, 0) AS max_unavailable,
  coalesce((s->>'surge')::bigint, 0) AS surge, coalesce(s->>'pause', 'never') AS pause, coalesce((s->>'pauseSeconds')::bigint, 0) AS pause_s,
  coalesce((s->>'bakeSeconds')::bigint, 0) AS bake_s, coalesce(s->>'onFailure', 'stop') AS on_failure,
  coalesce((s->>'deadlineSeconds')::bigint, 0) AS deadline_s, coalesce((s->>'drainSeconds')::bigint, 0) AS drain_s,
  coalesce((s->>'errorPermilleMax')::bigint, 0) AS errors_max, coalesce(s->>'rotationCommand', '') AS rotation_command, r.batch AS at_batch, r.batches,
  coalesce((date_part('epoch', r.batch_done_at) * 1000)::bigint, 0) AS batch_done_ms, r.passed, r.paused_by, r.goes_back, r.back_by, r.cause
FROM scheduler.rollout r CROSS JOIN LATERAL (SELECT r.strategy AS s) AS of_row
  JOIN scheduler.operation o ON o.id = r.operation_id
WHERE o.state IN ('queued', 'running')
