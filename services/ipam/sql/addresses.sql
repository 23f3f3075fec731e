-- name: addresses
-- columns: subnet uuid, address inet, state text, free_after_unix_ms int8
-- Cooling ones in the order in which they become free: the allocator's FIFO.
SELECT subnet, address, state, coalesce((extract(epoch FROM free_after) * 1000)::int8, 0) AS free_after_unix_ms
FROM ipam.address
WHERE vrf = 0
ORDER BY free_after NULLS FIRST
