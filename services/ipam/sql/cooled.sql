-- name: cooled
-- columns: subnet uuid, address inet, released_unix_ms int8, free_after_unix_ms int8
-- $1 subnets, $2 how many of each at most, $3 seconds for which an address cools at least: those that may be given out now.
SELECT a.subnet, a.address, (extract(epoch FROM a.updated_at) * 1000)::int8 AS released_unix_ms,
  (extract(epoch FROM a.free_after) * 1000)::int8 AS free_after_unix_ms
FROM unnest($1::uuid[]) AS s(id)
  CROSS JOIN LATERAL (
    SELECT a.subnet, a.address, a.updated_at, a.free_after FROM ipam.address a
    WHERE a.subnet = s.id AND a.state = 'cooling' ORDER BY a.free_after LIMIT $2::int8
  ) a
WHERE a.free_after <= now() OR a.updated_at <= now() - $3::int8 * interval '1 second'
