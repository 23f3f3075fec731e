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
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS kind, unnest($3::uuid[]) AS app_id, unnest($4::text[]) AS target,
  unnest($5::text[]) AS actor, unnest($6::text[]) AS idempotency_key, unnest($7::text[]) AS request_sha256,
  unnest($8::uuid[]) AS resource_id, unnest($9::text[]) AS spec, unnest($10::text[]) AS state, unnest($11::text[]) AS waits_for,
  unnest($12::int[]) AS progress_done, unnest($13::int[]) AS progress_total, unnest($14::text[]) AS error,
  unnest($15::bigint[]) AS created_at, unnest($16::bigint[]) AS updated_at, unnest($17::bigint[]) AS finished_at,
  unnest($18::text[]) AS reason, unnest($19::uuid[]) AS parent_id, unnest($20::uuid[]) AS retry_of, unnest($21::bigint[]) AS position,
  unnest($22::text[]) AS targets, unnest($23::int[]) AS parallel, unnest($24::int[]) AS failures_max,
  unnest($25::int[]) AS children_total, unnest($26::int[]) AS children_done, unnest($27::int[]) AS children_failed,
  unnest($28::int[]) AS children_cancelled, unnest($29::text[]) AS outcome, unnest($30::text[]) AS cancelled_by,
  unnest($31::bigint[]) AS started_at) AS r
ON CONFLICT (id) DO UPDATE SET
  state = excluded.state, waits_for = excluded.waits_for, progress_done = excluded.progress_done,
  progress_total = excluded.progress_total, error = excluded.error, updated_at = excluded.updated_at,
  finished_at = excluded.finished_at, children_total = excluded.children_total, children_done = excluded.children_done,
  children_failed = excluded.children_failed, children_cancelled = excluded.children_cancelled, outcome = excluded.outcome,
  cancelled_by = excluded.cancelled_by, started_at = excluded.started_at
