-- name: import_vlans_set
-- columns: none
-- $1 id, $2 name, $3 VLAN id, $4 VRF, $5 group, $6 MTU, $7 isolated, $8 zone, $9 description: new ones, and those that change.
INSERT INTO ipam.vlan AS v (id, name, vlan_id, vrf, vlan_group, mtu, isolated, dns_zone, description)
SELECT t.id, t.name, t.vlan_id, r.number, t.vlan_group, t.mtu, t.isolated, t.dns_zone, t.description
FROM unnest($1::uuid[], $2::text[], $3::int4[], $4::text[], $5::text[], $6::int4[], $7::bool[], $8::text[], $9::text[])
    AS t(id, name, vlan_id, vrf, vlan_group, mtu, isolated, dns_zone, description)
  JOIN ipam.vrf r ON r.name = t.vrf
ON CONFLICT (id) DO UPDATE
  SET vlan_group = excluded.vlan_group, mtu = excluded.mtu, isolated = excluded.isolated, dns_zone = excluded.dns_zone,
      description = excluded.description, updated_at = clock_timestamp()
