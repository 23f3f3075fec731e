-- name: write_plans
-- columns: none
INSERT INTO scheduler.plan (name, cpu_milli, memory_bytes, disk_bytes, bandwidth_kbit, cpu_pinned, pids_max, io_weight)
SELECT
  unnest($1::text[]), unnest($2::int[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::int[]), unnest($6::bool[]),
  unnest($7::int[]), unnest($8::int[])
ON CONFLICT (name) DO UPDATE SET
  cpu_milli = excluded.cpu_milli, memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes,
  bandwidth_kbit = excluded.bandwidth_kbit, cpu_pinned = excluded.cpu_pinned, pids_max = excluded.pids_max,
  io_weight = excluded.io_weight
