-- name: subnet_new
-- columns: none
-- $11: the resolvers, separated by spaces
INSERT INTO ipam.subnet (id, vrf, vlan, cidr, gateway, first, last, rank, weight, redundant_gateway, description, dns)
SELECT $1::uuid, v.vrf, v.id, $3::cidr, $4::inet, $5::inet, $6::inet, $7::int4, $8::int4, $9::bool, $10::text,
  coalesce(string_to_array(nullif($11::text, ''), ' ')::inet[], '{}')
FROM ipam.vlan v WHERE v.id = $2::uuid
