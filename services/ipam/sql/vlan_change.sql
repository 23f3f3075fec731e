-- name: vlan_change
-- columns: none
UPDATE ipam.vlan SET vlan_group = $2::text, mtu = $3::int4, isolated = $4::bool, dns_zone = $5::text, description = $6::text,
  updated_at = clock_timestamp()
WHERE id = $1::uuid
