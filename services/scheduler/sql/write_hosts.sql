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
FROM unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[], $9::text[],
  $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::int[], $17::bigint[],
  $18::bigint[], $19::int[], $20::bigint[], $21::bigint[], $22::int[], $23::bigint[], $24::bigint[],
  $25::text[], $26::text[], $27::int[], $28::int[], $29::int[], $30::int[], $31::bigint[], $32::bigint[], $33::int[],
  $34::int[], $35::text[], $36::inet[], $37::text[], $38::text[], $39::bigint[], $40::text[], $41::text[], $42::text[], $43::text[])
  AS r(id, name, az, rack, tags, public_key, revoked, schedulable, state, generation, boot_id, agent_version,
    hostname, kernel, docker_version, cpu_milli, memory_bytes, disk_bytes, booked_cpu_milli, booked_memory_bytes,
    booked_disk_bytes, unknown_containers, created_at, seen_at, class, repels, cpu_overcommit_permille,
    memory_overcommit_permille, disk_overcommit_permille, reserve_cpu_milli, reserve_memory_bytes, reserve_disk_bytes,
    max_instances, booked_instances, duty, address, reason, lost_by, lost_at, windows, rack_windows, containers, ignored)
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
