-- name: subnet_add
-- columns: none
INSERT INTO ipam.subnet (id, vlan, cidr, gateway, first, last) VALUES ($1::uuid, $2::uuid, $3::cidr, $4::inet, $5::inet, $6::inet)
