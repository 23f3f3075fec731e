-- name: range_new
-- columns: none
INSERT INTO ipam.address_range (id, vrf, subnet, first, last, kind, owner, reason, created_by, pool)
SELECT $1::uuid, s.vrf, s.id, $3::inet, $4::inet, $5::text, $6::text, $7::text, $8::text, $9::text FROM ipam.subnet s WHERE s.id = $2::uuid
