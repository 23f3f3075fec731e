-- name: write_operations
-- columns: none
INSERT INTO scheduler.operation (
  id, kind, app_id, target, actor, idempotency_key, request_sha256, resource_id, spec, state, waits_for,
  progress_done, progress_total, error, created_at, updated_at, finished_at, reason, parent_id, retry_of, position, targets,
  parallel, failures_max, children_total, children_done, children_failed, children_cancelled, outcome, cancelled_by, started_at)
SELECT
  r.id, r.kind, r.app_id, r.target, r.actor, r.idempotency_key, decode(r.request_sha256, 'hex'), r.resource_id,
  r.spec::jsonb, r.state, r.waits_for, r.progress_done, r.progress_total, r.error,
  to_timestamp(nullif(r.created_at, 0) * 0.001::float8), to_timestamp(nullif(r.updated_at, 0) * 0.001::float8),
  to_timestamp(nullif(r.finished_at, 0) * 0.001::float8), r.reason, r.parent_id, r.retry_of, r.position, r.targets::uuid[],
  r.parallel, r.failures_max, r.children_total, r.children_done, r.children_failed, r.children_cancelled, r.outcome, r.cancelled_by,
  to_timestamp(nullif(r.started_at, 0) * 0.001::float8)
FROM unnest(
  $1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::uuid[], $9::text[],
  $10::text[], $11::text[], $12::int[], $13::int[], $14::text[], $15::bigint[], $16::bigint[], $17::bigint[],
  $18::text[], $19::uuid[], $20::uuid[], $21::bigint[], $22::text[], $23::int[], $24::int[], $25::int[], $26::int[], $27::int[],
  $28::int[], $29::text[], $30::text[], $31::bigint[])
  AS r(id, kind, app_id, target, actor, idempotency_key, request_sha256, resource_id, spec, state, waits_for,
    progress_done, progress_total, error, created_at, updated_at, finished_at, reason, parent_id, retry_of, position, targets,
    parallel, failures_max, children_total, children_done, children_failed, children_cancelled, outcome, cancelled_by, started_at)
ON CONFLICT (id) DO UPDATE SET
  state = excluded.state, waits_for = excluded.waits_for, progress_done = excluded.progress_done,
  progress_total = excluded.progress_total, error = excluded.error, updated_at = excluded.updated_at,
  finished_at = excluded.finished_at, children_total = excluded.children_total, children_done = excluded.children_done,
  children_failed = excluded.children_failed, children_cancelled = excluded.children_cancelled, outcome = excluded.outcome,
  cancelled_by = excluded.cancelled_by, started_at = excluded.started_at
