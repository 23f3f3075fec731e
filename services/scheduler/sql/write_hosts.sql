-- name: write_hosts
-- columns: none
INSERT INTO scheduler.host (
  id, name, az, rack, tags, public_key, revoked, schedulable, state, generation, boot_id, agent_version,
  hostname, kernel, docker_version, cpu_milli, memory_bytes, disk_bytes, booked_cpu_milli, booked_memory_bytes,
  booked_disk_bytes, unknown_containers, created_at, seen_at, class, repels, cpu_overcommit_permille,
  memory_overcommit_permille, disk_overcommit_permille, reserve_cpu_milli, reserve_memory_bytes, reserve_disk_bytes,
  max_instances, booked_instances, duty, address, reason, lost_by, lost_at, windows, rack_windows, containers, ignored)
SELECT
  r.id, r.name, r.az, r.rack, string_to_array(r.tags, ','), r.public_key, r.revoked, r.schedulable, r.state,
  r.generation, r.boot_id, r.agent_version, r.hostname, r.kernel, r.docker_version, r.cpu_milli,
  r.memory_bytes, r.disk_bytes, r.booked_cpu_milli, r.booked_memory_bytes, r.booked_disk_bytes,
  r.unknown_containers, to_timestamp(nullif(r.created_at, 0) * 0.001::float8),
  to_timestamp(nullif(r.seen_at, 0) * 0.001::float8), r.class, string_to_array(r.repels, ','), r.cpu_overcommit_permille,
  r.memory_overcommit_permille, r.disk_overcommit_permille, r.reserve_cpu_milli, r.reserve_memory_bytes,
  r.reserve_disk_bytes, r.max_instances, r.booked_instances, r.duty, r.address, r.reason, r.lost_by,
  to_timestamp(nullif(r.lost_at, 0) * 0.001::float8), r.windows, r.rack_windows, r.containers, r.ignored
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS name, unnest($3::text[]) AS az, unnest($4::text[]) AS rack, unnest($5::text[]) AS tags,
  unnest($6::text[]) AS public_key, unnest($7::bool[]) AS revoked, unnest($8::bool[]) AS schedulable, unnest($9::text[]) AS state,
  unnest($10::bigint[]) AS generation, unnest($11::text[]) AS boot_id, unnest($12::text[]) AS agent_version,
  unnest($13::text[]) AS hostname, unnest($14::text[]) AS kernel, unnest($15::text[]) AS docker_version, unnest($16::int[]) AS cpu_milli,
  unnest($17::bigint[]) AS memory_bytes, unnest($18::bigint[]) AS disk_bytes, unnest($19::int[]) AS booked_cpu_milli,
  unnest($20::bigint[]) AS booked_memory_bytes, unnest($21::bigint[]) AS booked_disk_bytes, unnest($22::int[]) AS unknown_containers,
  unnest($23::bigint[]) AS created_at, unnest($24::bigint[]) AS seen_at, unnest($25::text[]) AS class, unnest($26::text[]) AS repels,
  unnest($27::int[]) AS cpu_overcommit_permille, unnest($28::int[]) AS memory_overcommit_permille,
  unnest($29::int[]) AS disk_overcommit_permille, unnest($30::int[]) AS reserve_cpu_milli, unnest($31::bigint[]) AS reserve_memory_bytes,
  unnest($32::bigint[]) AS reserve_disk_bytes, unnest($33::int[]) AS max_instances, unnest($34::int[]) AS booked_instances,
  unnest($35::text[]) AS duty, unnest($36::inet[]) AS address, unnest($37::text[]) AS reason, unnest($38::text[]) AS lost_by,
  unnest($39::bigint[]) AS lost_at, unnest($40::text[]) AS windows, unnest($41::text[]) AS rack_windows,
  unnest($42::text[]) AS containers, unnest($43::text[]) AS ignored) AS r
ON CONFLICT (id) DO UPDATE SET
  az = excluded.az, rack = excluded.rack, tags = excluded.tags, schedulable = excluded.schedulable,
  state = excluded.state, generation = excluded.generation, boot_id = excluded.boot_id,
  agent_version = excluded.agent_version, hostname = excluded.hostname, kernel = excluded.kernel,
  docker_version = excluded.docker_version, cpu_milli = excluded.cpu_milli,
  memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes,
  booked_cpu_milli = excluded.booked_cpu_milli, booked_memory_bytes = excluded.booked_memory_bytes,
  booked_disk_bytes = excluded.booked_disk_bytes, unknown_containers = excluded.unknown_containers,
  seen_at = excluded.seen_at, class = excluded.class, repels = excluded.repels,
  cpu_overcommit_permille = excluded.cpu_overcommit_permille,
  memory_overcommit_permille = excluded.memory_overcommit_permille,
  disk_overcommit_permille = excluded.disk_overcommit_permille, reserve_cpu_milli = excluded.reserve_cpu_milli,
  reserve_memory_bytes = excluded.reserve_memory_bytes, reserve_disk_bytes = excluded.reserve_disk_bytes,
  max_instances = excluded.max_instances, booked_instances = excluded.booked_instances, duty = excluded.duty, address = excluded.address,
  reason = excluded.reason, lost_by = excluded.lost_by, lost_at = excluded.lost_at, revoked = excluded.revoked, windows = excluded.windows, rack_windows = excluded.rack_windows, containers = excluded.containers, ignored = excluded.ignored
