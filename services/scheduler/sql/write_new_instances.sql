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
FROM unnest(
  $1::bigint[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::uuid[], $7::inet[], $8::bigint[], $9::macaddr[], $10::inet[],
  $11::bigint[])
  AS r(shape, id, number, name, state, host_id, address, address_generation, mac, address_v6, address_v6_generation)
JOIN unnest(
  $12::uuid[], $13::uuid[], $14::int[], $15::inet[], $16::int[], $17::int[], $18::bigint[], $19::bigint[], $20::text[], $21::text[],
  $22::bigint[], $23::bigint[], $24::text[], $25::int[], $26::int[], $27::bool[], $28::text[], $29::text[], $30::int[], $31::inet[],
  $32::int[], $33::bigint[], $34::text[], $35::uuid[], $36::text[]) WITH ORDINALITY
  AS s(app_id, group_id, prefix, gateway, vlan_id, cpu_milli, memory_bytes, disk_bytes, image, version, created_at, updated_at,
    vlan, vrf, mtu, isolated, dns, dns_search, prefix_v6, gateway_v6, bandwidth_kbit, net_settings, plan, decision_id, middleware, place)
  ON s.place = r.shape
