-- name: load_plans
-- columns: name text, cpu_milli int4, memory_bytes int8, disk_bytes int8, bandwidth_kbit int4, cpu_pinned bool, pids_max int4, io_weight int4
SELECT name, cpu_milli, memory_bytes, disk_bytes, bandwidth_kbit, cpu_pinned, pids_max, io_weight FROM scheduler.plan
