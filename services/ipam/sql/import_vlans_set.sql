-- name: import_vlans_set
-- columns: none
-- $1 id, $2 name, $3 VLAN id, $4 VRF, $5 group, $6 MTU, $7 isolated, $8 zone, $9 description: new ones, and those that change.
INSERT INTO ipam.vlan AS v (id, name, vlan_id, vrf, vlan_group, mtu, isolated, dns_zone, description)
SELECT t.id, t.name, t.vlan_id, r.number, t.vlan_group, t.mtu, t.isolated, t.dns_zone, t.description
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS name, unnest($3::int4[]) AS vlan_id, unnest($4::text[]) AS vrf,
  unnest($5::text[]) AS vlan_group, unnest($6::int4[]) AS mtu, unnest($7::bool[]) AS isolated, unnest($8::text[]) AS dns_zone,
  unnest($9::text[]) AS description) AS t
  JOIN ipam.vrf r ON r.name = t.vrf
ON CONFLICT (id) DO UPDATE
  SET vlan_group = excluded.vlan_group, mtu = excluded.mtu, isolated = excluded.isolated, dns_zone = excluded.dns_zone,
      description = excluded.description, updated_at = clock_timestamp()
