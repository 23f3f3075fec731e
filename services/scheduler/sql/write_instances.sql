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
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::uuid[]) AS app_id, unnest($3::uuid[]) AS group_id, unnest($4::int[]) AS number,
  unnest($5::text[]) AS name, unnest($6::text[]) AS state, unnest($7::text[]) AS health, unnest($8::text[]) AS desired,
  unnest($9::bigint[]) AS generation, unnest($10::int[]) AS restart_seq, unnest($11::uuid[]) AS host_id, unnest($12::inet[]) AS address,
  unnest($13::int[]) AS prefix, unnest($14::inet[]) AS gateway, unnest($15::int[]) AS vlan_id, unnest($16::text[]) AS mac,
  unnest($17::bigint[]) AS address_generation, unnest($18::int[]) AS cpu_milli, unnest($19::bigint[]) AS memory_bytes,
  unnest($20::bigint[]) AS disk_bytes, unnest($21::text[]) AS image, unnest($22::text[]) AS version,
  unnest($23::bigint[]) AS observed_generation, unnest($24::int[]) AS observed_restart_seq, unnest($25::text[]) AS observed_version,
  unnest($26::text[]) AS container_id, unnest($27::int[]) AS restarts, unnest($28::text[]) AS error, unnest($29::bigint[]) AS started_at,
  unnest($30::bigint[]) AS observed_at, unnest($31::bigint[]) AS created_at, unnest($32::bigint[]) AS updated_at,
  unnest($33::text[]) AS vlan, unnest($34::int[]) AS vrf, unnest($35::int[]) AS mtu, unnest($36::bool[]) AS isolated,
  unnest($37::text[]) AS dns, unnest($38::text[]) AS dns_search, unnest($39::inet[]) AS address_v6, unnest($40::int[]) AS prefix_v6,
  unnest($41::inet[]) AS gateway_v6, unnest($42::bigint[]) AS address_v6_generation, unnest($43::int[]) AS bandwidth_kbit,
  unnest($44::bigint[]) AS net_settings, unnest($45::uuid[]) AS moving_to, unnest($46::text[]) AS plan,
  unnest($47::int[]) AS rebuild_seq, unnest($48::uuid[]) AS decision_id, unnest($49::bool[]) AS bandwidth_own,
  unnest($50::text[]) AS middleware) AS r
ON CONFLICT (id) DO UPDATE SET
  app_id = excluded.app_id, name = excluded.name, group_id = excluded.group_id, number = excluded.number, state = excluded.state, health = excluded.health, desired = excluded.desired,
  generation = excluded.generation, restart_seq = excluded.restart_seq, host_id = excluded.host_id,
  address = excluded.address, prefix = excluded.prefix, gateway = excluded.gateway, vlan_id = excluded.vlan_id,
  mac = excluded.mac, address_generation = excluded.address_generation, cpu_milli = excluded.cpu_milli,
  memory_bytes = excluded.memory_bytes, disk_bytes = excluded.disk_bytes, image = excluded.image,
  version = excluded.version, observed_generation = excluded.observed_generation,
  observed_restart_seq = excluded.observed_restart_seq, observed_version = excluded.observed_version,
  container_id = CASE WHEN excluded.observed_at IS NULL THEN instance.container_id ELSE excluded.container_id END,
  started_at = CASE WHEN excluded.observed_at IS NULL THEN instance.started_at ELSE excluded.started_at END,
  observed_at = coalesce(excluded.observed_at, instance.observed_at),
  restarts = excluded.restarts, error = excluded.error, updated_at = excluded.updated_at,
  vlan = excluded.vlan, vrf = excluded.vrf, mtu = excluded.mtu, isolated = excluded.isolated, dns = excluded.dns,
  dns_search = excluded.dns_search, address_v6 = excluded.address_v6, prefix_v6 = excluded.prefix_v6,
  gateway_v6 = excluded.gateway_v6, address_v6_generation = excluded.address_v6_generation,
  bandwidth_kbit = excluded.bandwidth_kbit, net_settings = excluded.net_settings, moving_to = excluded.moving_to, plan = excluded.plan,
  rebuild_seq = excluded.rebuild_seq, decision_id = coalesce(excluded.decision_id, instance.decision_id), bandwidth_own = excluded.bandwidth_own, middleware = excluded.middleware
