-- name: ranges
-- columns: subnet uuid, first inet, last inet, kind text, pool text
SELECT subnet, first, last, kind, pool FROM ipam.address_range ORDER BY subnet, first
