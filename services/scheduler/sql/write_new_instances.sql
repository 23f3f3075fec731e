-- name: write_new_instances
-- columns: none
-- $1..$11 one item an instance, $12..$36 one item a shape: what several instances of one app have in common. All that is not
-- named is as the column's default says: nobody runs it yet.
INSERT INTO scheduler.instance (
  id, number, name, state, health, desired, host_id, address, address_generation, mac, address_v6, address_v6_generation,
  app_id, group_id, prefix, gateway, vlan_id, cpu_milli, memory_bytes, disk_bytes, image, version, created_at, updated_at,
  vlan, vrf, mtu, isolated, dns, dns_search, prefix_v6, gateway_v6, bandwidth_kbit, net_settings, plan, decision_id, middleware)
SELECT
  r.id, r.number, r.name, r.state, 'unknown', 'running', r.host_id, r.address, r.address_generation, r.mac, r.address_v6,
  r.address_v6_generation, s.app_id, s.group_id, s.prefix, s.gateway, s.vlan_id, s.cpu_milli, s.memory_bytes, s.disk_bytes, s.image,
  s.version, to_timestamp(s.created_at * 0.001::float8), to_timestamp(s.updated_at * 0.001::float8), s.vlan, s.vrf, s.mtu,
  s.isolated, s.dns::inet[], s.dns_search, s.prefix_v6, s.gateway_v6, s.bandwidth_kbit, s.net_settings, s.plan, s.decision_id, s.middleware
FROM (SELECT
  unnest($1::bigint[]) AS shape, unnest($2::uuid[]) AS id, unnest($3::int[]) AS number, unnest($4::text[]) AS name,
  unnest($5::text[]) AS state, unnest($6::uuid[]) AS host_id, unnest($7::inet[]) AS address, unnest($8::bigint[]) AS address_generation,
  unnest($9::macaddr[]) AS mac, unnest($10::inet[]) AS address_v6, unnest($11::bigint[]) AS address_v6_generation) AS r
JOIN (SELECT
  unnest($12::uuid[]) AS app_id, unnest($13::uuid[]) AS group_id, unnest($14::int[]) AS prefix, unnest($15::inet[]) AS gateway,
  unnest($16::int[]) AS vlan_id, unnest($17::int[]) AS cpu_milli, unnest($18::bigint[]) AS memory_bytes,
  unnest($19::bigint[]) AS disk_bytes, unnest($20::text[]) AS image, unnest($21::text[]) AS version, unnest($22::bigint[]) AS created_at,
  unnest($23::bigint[]) AS updated_at, unnest($24::text[]) AS vlan, unnest($25::int[]) AS vrf, unnest($26::int[]) AS mtu,
  unnest($27::bool[]) AS isolated, unnest($28::text[]) AS dns, unnest($29::text[]) AS dns_search, unnest($30::int[]) AS prefix_v6,
  unnest($31::inet[]) AS gateway_v6, unnest($32::int[]) AS bandwidth_kbit, unnest($33::bigint[]) AS net_settings,
  unnest($34::text[]) AS plan, unnest($35::uuid[]) AS decision_id, unnest($36::text[]) AS middleware,
  generate_series(1, cardinality($12::uuid[])) AS place) AS s
  ON s.place = r.shape
