-- name: write_rollouts
-- columns: none
INSERT INTO scheduler.rollout (operation_id, strategy, batch, batches, batch_done_at, passed, paused_by, goes_back, back_by, cause, phase)
SELECT r.id, r.strategy::jsonb, r.batch, r.batches, to_timestamp(nullif(r.batch_done_at, 0) * 0.001::float8), r.passed, r.paused_by, r.goes_back,
  r.back_by, r.cause, r.phase
FROM unnest($1::uuid[], $2::text[], $3::int[], $4::int[], $5::bigint[], $6::int[], $7::text[], $8::bool[], $9::text[], $10::text[], $11::text[])
  AS r(id, strategy, batch, batches, batch_done_at, passed, paused_by, goes_back, back_by, cause, phase)
ON CONFLICT (operation_id) DO UPDATE SET strategy = excluded.strategy, batch = excluded.batch, batches = excluded.batches,
  batch_done_at = excluded.batch_done_at, passed = excluded.passed, paused_by = excluded.paused_by, goes_back = excluded.goes_back,
  back_by = excluded.back_by, cause = excluded.cause, phase = excluded.phase
