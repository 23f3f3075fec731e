-- name: load_host_classes
-- columns: name text, cpu_overcommit_permille int4, memory_overcommit_permille int4, disk_overcommit_permille int4, reserve_cpu_milli int4, reserve_memory_bytes int8, reserve_disk_bytes int8, max_instances int4, max_starts int4
SELECT name, cpu_overcommit_permille, memory_overcommit_permille, disk_overcommit_permille, reserve_cpu_milli,
       reserve_memory_bytes, reserve_disk_bytes, max_instances, max_starts
FROM scheduler.host_class
