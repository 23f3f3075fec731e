-- name: write_plans
-- columns: none
INSERT INTO scheduler.plan (name, cpu_milli, memory_bytes, disk_bytes, bandwidth_kbit, cpu_pinned, pids_max, io_weight)
SELECT * FROM unnest(
  $1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::int[], $6::bool[], $7::int[], $8::int[])
ON CONFLICT (name) DO UPDATE SET
  cpu_milli = excluded.cpu_milli, memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes,
  bandwidth_kbit = excluded.bandwidth_kbit, cpu_pinned = excluded.cpu_pinned, pids_max = excluded.pids_max,
  io_weight = excluded.io_weight
