-- name: probe
-- columns: owner uuid, nic int4, address inet, subnet uuid, generation int8
-- $1 owner, $2 nic, $3 family: what owners hold.
SELECT t.owner, t.nic, a.address, a.subnet, a.generation
FROM unnest($1::uuid[], $2::int4[], $3::int4[]) AS t(owner, nic, family)
  CROSS JOIN LATERAL (
    SELECT a.address, a.subnet, a.generation FROM ipam.address a
    WHERE a.owner = t.owner AND a.nic = t.nic AND family(a.address) = t.family AND a.state IN ('reserved', 'bound', 'suspect')
    LIMIT 1
  ) a
