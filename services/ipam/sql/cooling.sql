-- name: cooling
-- columns: subnet uuid, address inet, released_unix_ms int8, free_after_unix_ms int8
-- $1 subnets. In the order of their release.
SELECT subnet, address, (extract(epoch FROM updated_at) * 1000)::int8 AS released_unix_ms,
  (extract(epoch FROM free_after) * 1000)::int8 AS free_after_unix_ms
FROM ipam.address
WHERE subnet = ANY ($1::uuid[]) AND state = 'cooling'
ORDER BY updated_at
