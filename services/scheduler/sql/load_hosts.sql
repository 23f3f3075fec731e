-- name: load_hosts
-- columns: id uuid, name text, az text, rack text, tags text, public_key text, revoked bool, schedulable bool, state text, generation int8, boot_id text, agent_version text, hostname text, kernel text, docker_version text, cpu_milli int4, memory_bytes int8, disk_bytes int8, booked_cpu_milli int4, booked_memory_bytes int8, booked_disk_bytes int8, unknown_containers int4, created_ms int8, seen_ms int8, class text, repels text, cpu_overcommit_permille int4, memory_overcommit_permille int4, disk_overcommit_permille int4, reserve_cpu_milli int4, reserve_memory_bytes int8, reserve_disk_bytes int8, max_instances int4, booked_instances int4, duty text, address inet, reason text, lost_by text, lost_ms int8, windows text, rack_windows text, containers text, ignored text
SELECT id, name, az, rack, array_to_string(tags, ',') AS tags, public_key, revoked, schedulable, state, generation, boot_id,
       agent_version, hostname, kernel, docker_version, cpu_milli, memory_bytes, disk_bytes,
       booked_cpu_milli, booked_memory_bytes, booked_disk_bytes, unknown_containers,
       (date_part('epoch', created_at) * 1000)::bigint AS created_ms,
       coalesce((date_part('epoch', seen_at) * 1000)::bigint, 0) AS seen_ms,
       class, array_to_string(repels, ',') AS repels, cpu_overcommit_permille, memory_overcommit_permille,
       disk_overcommit_permille, reserve_cpu_milli, reserve_memory_bytes, reserve_disk_bytes, max_instances, booked_instances, duty, address, reason, lost_by,
       coalesce((date_part('epoch', lost_at) * 1000)::bigint, 0) AS lost_ms, windows, rack_windows, containers, ignored
FROM scheduler.host ORDER BY created_at, id
