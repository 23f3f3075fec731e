-- name: ranges
-- columns: subnet uuid, first inet, last inet, kind text
SELECT subnet, first, last, kind FROM ipam.address_range ORDER BY subnet, first
