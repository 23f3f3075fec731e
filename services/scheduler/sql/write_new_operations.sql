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
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS kind, unnest($3::uuid[]) AS app_id, unnest($4::text[]) AS target,
  unnest($5::text[]) AS actor, unnest($6::text[]) AS idempotency_key, unnest($7::bytea[]) AS request_sha256,
  unnest($8::uuid[]) AS resource_id, unnest($9::text[]) AS spec, unnest($10::text[]) AS state, unnest($11::text[]) AS waits_for,
  unnest($12::int[]) AS progress_done, unnest($13::int[]) AS progress_total, unnest($14::bigint[]) AS created_at,
  unnest($15::bigint[]) AS updated_at, unnest($16::bigint[]) AS finished_at, unnest($17::text[]) AS reason,
  unnest($18::bigint[]) AS position, unnest($19::bigint[]) AS started_at) AS r
