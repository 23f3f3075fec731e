-- name: write_teams
-- columns: none
INSERT INTO scheduler.team (name, cpu_milli, memory_bytes, disk_bytes, instances)
SELECT unnest($1::text[]), unnest($2::int[]), unnest($3::bigint[]), unnest($4::bigint[]), unnest($5::int[])
ON CONFLICT (name) DO UPDATE SET
  cpu_milli = excluded.cpu_milli, memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes,
  instances = excluded.instances
