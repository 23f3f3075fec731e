-- name: write_teams
-- columns: none
INSERT INTO scheduler.team (name, cpu_milli, memory_bytes, disk_bytes, instances)
SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::int[])
ON CONFLICT (name) DO UPDATE SET
  cpu_milli = excluded.cpu_milli, memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes,
  instances = excluded.instances
