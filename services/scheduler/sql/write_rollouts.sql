-- name: write_rollouts
-- columns: none
INSERT INTO scheduler.rollout (operation_id, strategy, batch, batches, batch_done_at, passed, paused_by, goes_back, back_by, cause, phase)
SELECT r.id, r.strategy::jsonb, r.batch, r.batches, to_timestamp(nullif(r.batch_done_at, 0) * 0.001::float8), r.passed, r.paused_by, r.goes_back,
  r.back_by, r.cause, r.phase
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS strategy, unnest($3::int[]) AS batch, unnest($4::int[]) AS batches,
  unnest($5::bigint[]) AS batch_done_at, unnest($6::int[]) AS passed, unnest($7::text[]) AS paused_by, unnest($8::bool[]) AS goes_back,
  unnest($9::text[]) AS back_by, unnest($10::text[]) AS cause, unnest($11::text[]) AS phase) AS r
ON CONFLICT (operation_id) DO UPDATE SET strategy = excluded.strategy, batch = excluded.batch, batches = excluded.batches,
  batch_done_at = excluded.batch_done_at, passed = excluded.passed, paused_by = excluded.paused_by, goes_back = excluded.goes_back,
  back_by = excluded.back_by, cause = excluded.cause, phase = excluded.phase
