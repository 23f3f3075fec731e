-- name: write_instances
-- columns: none
INSERT INTO scheduler.instance (
  id, app_id, group_id, number, name, state, health, desired, generation, restart_seq, host_id, address,
  prefix, gateway, vlan_id, mac, address_generation, cpu_milli, memory_bytes, disk_bytes, image, version,
  observed_generation, observed_restart_seq, observed_version, container_id, restarts, error, started_at,
  observed_at, created_at, updated_at, vlan, vrf, mtu, isolated, dns, dns_search, address_v6, prefix_v6, gateway_v6,
  address_v6_generation, bandwidth_kbit, net_settings, moving_to, plan, rebuild_seq, decision_id, bandwidth_own, middleware)
SELECT
  r.id, r.app_id, r.group_id, r.number, r.name, r.state, r.health, r.desired, r.generation, r.restart_seq,
  r.host_id, r.address, r.prefix, r.gateway, r.vlan_id, nullif(r.mac, '')::macaddr, r.address_generation,
  r.cpu_milli, r.memory_bytes, r.disk_bytes, r.image, r.version, r.observed_generation, r.observed_restart_seq,
  r.observed_version, r.container_id, r.restarts, r.error, to_timestamp(nullif(r.started_at, 0) * 0.001::float8),
  to_timestamp(nullif(r.observed_at, 0) * 0.001::float8), to_timestamp(nullif(r.created_at, 0) * 0.001::float8),
  to_timestamp(nullif(r.updated_at, 0) * 0.001::float8), r.vlan, r.vrf, r.mtu, r.isolated, r.dns::inet[], r.dns_search, r.address_v6,
  r.prefix_v6, r.gateway_v6, r.address_v6_generation, r.bandwidth_kbit, r.net_settings, r.moving_to, r.plan, r.rebuild_seq, r.decision_id, r.bandwidth_own, r.middleware
FROM unnest(
  $1::uuid[], $2::uuid[], $3::uuid[], $4::int[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[],
  $10::int[], $11::uuid[], $12::inet[], $13::int[], $14::inet[], $15::int[], $16::text[], $17::bigint[],
  $18::int[], $19::bigint[], $20::bigint[], $21::text[], $22::text[], $23::bigint[], $24::int[], $25::text[],
  $26::text[], $27::int[], $28::text[], $29::bigint[], $30::bigint[], $31::bigint[], $32::bigint[],
  $33::text[], $34::int[], $35::int[], $36::bool[], $37::text[], $38::text[], $39::inet[], $40::int[], $41::inet[], $42::bigint[],
  $43::int[], $44::bigint[], $45::uuid[], $46::text[], $47::int[], $48::uuid[], $49::bool[], $50::text[])
  AS r(id, app_id, group_id, number, name, state, health, desired, generation, restart_seq, host_id, address,
    prefix, gateway, vlan_id, mac, address_generation, cpu_milli, memory_bytes, disk_bytes, image, version,
    observed_generation, observed_restart_seq, observed_version, container_id, restarts, error, started_at,
    observed_at, created_at, updated_at, vlan, vrf, mtu, isolated, dns, dns_search, address_v6, prefix_v6, gateway_v6,
    address_v6_generation, bandwidth_kbit, net_settings, moving_to, plan, rebuild_seq, decision_id, bandwidth_own, middleware)
ON CONFLICT (id) DO UPDATE SET
  app_id = excluded.app_id, name = excluded.name, group_id = excluded.group_id, number = excluded.number, state = excluded.state, health = excluded.health, desired = excluded.desired,
  generation = excluded.generation, restart_seq = excluded.restart_seq, host_id = excluded.host_id,
  address = excluded.address, prefix = excluded.prefix, gateway = excluded.gateway, vlan_id = excluded.vlan_id,
  mac = excluded.mac, address_generation = excluded.address_generation, cpu_milli = excluded.cpu_milli,
  memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes, image = excluded.image,
  version = excluded.version, observed_generation = excluded.observed_generation,
  observed_restart_seq = excluded.observed_restart_seq, observed_version = excluded.observed_version,
  container_id = excluded.container_id, restarts = excluded.restarts, error = excluded.error,
  started_at = excluded.started_at, observed_at = excluded.observed_at, updated_at = excluded.updated_at,
  vlan = excluded.vlan, vrf = excluded.vrf, mtu = excluded.mtu, isolated = excluded.isolated, dns = excluded.dns,
  dns_search = excluded.dns_search, address_v6 = excluded.address_v6, prefix_v6 = excluded.prefix_v6,
  gateway_v6 = excluded.gateway_v6, address_v6_generation = excluded.address_v6_generation,
  bandwidth_kbit = excluded.bandwidth_kbit, net_settings = excluded.net_settings, moving_to = excluded.moving_to, plan = excluded.plan,
  rebuild_seq = excluded.rebuild_seq, decision_id = coalesce(excluded.decision_id, instance.decision_id), bandwidth_own = excluded.bandwidth_own, middleware = excluded.middleware
