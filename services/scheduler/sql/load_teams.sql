-- name: load_teams
-- columns: name text, cpu_milli int4, memory_bytes int8, disk_bytes int8, instances int4
SELECT name, cpu_milli, memory_bytes, disk_bytes, instances FROM scheduler.team
