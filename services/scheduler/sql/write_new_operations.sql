-- name: write_new_operations
-- columns: none
-- Those that stand for themselves: no part of a bulk operation, none that goes on with another, no end that was no success.
INSERT INTO scheduler.operation (
  id, kind, app_id, target, actor, idempotency_key, request_sha256, resource_id, spec, state, waits_for,
  progress_done, progress_total, created_at, updated_at, finished_at, reason, position, started_at)
SELECT
  r.id, r.kind, r.app_id, r.target, r.actor, r.idempotency_key, r.request_sha256, r.resource_id,
  r.spec::jsonb, r.state, r.waits_for, r.progress_done, r.progress_total,
  to_timestamp(r.created_at * 0.001::float8), to_timestamp(r.updated_at * 0.001::float8),
  to_timestamp(nullif(r.finished_at, 0) * 0.001::float8), r.reason, r.position,
  to_timestamp(nullif(r.started_at, 0) * 0.001::float8)
FROM unnest(
  $1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::uuid[], $9::text[],
  $10::text[], $11::text[], $12::int[], $13::int[], $14::bigint[], $15::bigint[], $16::bigint[], $17::text[], $18::bigint[],
  $19::bigint[])
  AS r(id, kind, app_id, target, actor, idempotency_key, request_sha256, resource_id, spec, state, waits_for,
    progress_done, progress_total, created_at, updated_at, finished_at, reason, position, started_at)
