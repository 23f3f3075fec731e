-- name: write_host_classes
-- columns: none
INSERT INTO scheduler.host_class (
  name, cpu_overcommit_permille, memory_overcommit_permille, disk_overcommit_permille, reserve_cpu_milli,
  reserve_memory_bytes, reserve_disk_bytes, max_instances, max_starts)
SELECT
  unnest($1::text[]), unnest($2::int[]), unnest($3::int[]), unnest($4::int[]), unnest($5::int[]), unnest($6::bigint[]),
  unnest($7::bigint[]), unnest($8::int[]), unnest($9::int[])
ON CONFLICT (name) DO UPDATE SET
  cpu_overcommit_permille = excluded.cpu_overcommit_permille,
  memory_overcommit_permille = excluded.memory_overcommit_permille,
  disk_overcommit_permille = excluded.disk_overcommit_permille, reserve_cpu_milli = excluded.reserve_cpu_milli,
  reserve_memory_bytes = excluded.reserve_memory_bytes, reserve_disk_bytes = excluded.reserve_disk_bytes,
  max_instances = excluded.max_instances, max_starts = excluded.max_starts
