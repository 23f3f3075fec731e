-- name: probe
-- columns: owner uuid, nic int4, address inet, subnet uuid, generation int8, released_unix_ms int8, free_after_unix_ms int8, stamp text
-- $1 owner, $2 nic, $3 family; $4 subnets, $5 how many cooling addresses of each at most, $6 seconds for which an address cools at least.
-- Everything that must be known before a request is refused, of one moment and by one statement, as a refusal has to be quick: what the
-- owners hold; what may be given out now though it cools (rows without an owner); the stamp of the plan (the row without an address).
SELECT t.owner, t.nic, a.address, a.subnet, a.generation, NULL::int8 AS released_unix_ms, NULL::int8 AS free_after_unix_ms, NULL::text AS stamp
FROM (SELECT unnest($1::uuid[]) AS owner, unnest($2::int4[]) AS nic, unnest($3::int4[]) AS family) AS t
  CROSS JOIN LATERAL (
    SELECT a.address, a.subnet, a.generation FROM ipam.address a
    WHERE a.owner = t.owner AND a.nic = t.nic AND family(a.address) = t.family AND a.state IN ('reserved', 'bound', 'suspect')
    LIMIT 1
  ) a
UNION ALL
SELECT NULL, NULL, a.address, a.subnet, NULL, (extract(epoch FROM a.updated_at) * 1000)::int8, (extract(epoch FROM a.free_after) * 1000)::int8, NULL
FROM unnest($4::uuid[]) AS s(id)
  CROSS JOIN LATERAL (
    SELECT a.subnet, a.address, a.updated_at, a.free_after FROM ipam.address a
    WHERE a.subnet = s.id AND a.state = 'cooling' ORDER BY a.free_after LIMIT $5::int8
  ) a
WHERE a.free_after <= now() OR a.updated_at <= now() - $6::int8 * interval '1 second'
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, p.stamp FROM ipam.plan_stamp_v p
