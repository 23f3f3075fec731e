-- name: range_gone
-- columns: none
DELETE FROM ipam.address_range WHERE id = $1::uuid
