-- name: write_steps
-- columns: none
INSERT INTO scheduler.operation_step (operation_id, ordinal, instance_id, name, subject, state, detail, started_at, finished_at)
SELECT o, n, i, k, s, st, d, to_timestamp(nullif(b, 0) / 1000.0), to_timestamp(nullif(f, 0) / 1000.0)
FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[])
  AS r(o, n, i, k, s, st, d, b, f)
ON CONFLICT (operation_id, ordinal) DO UPDATE SET state = excluded.state, detail = excluded.detail,
  started_at = excluded.started_at, finished_at = excluded.finished_at
