-- name: truth_compare
-- columns: host uuid, vrf int4, address inet, reported bool, instance uuid, mac text, state text, owner uuid, row_host uuid, updated_unix_ms int8, owner_live bool, owner_runs bool, owner_host uuid, is_leak bool
-- $1 host, $2 vrf, $3 address, $4 instance, $5 mac of what is reported; $6 the hosts. Only differences come back, and addresses that
-- are looked at as leaks. NOT IN makes a hash of the reported ones whatever their number is thought to be.
WITH r AS MATERIALIZED (
  SELECT DISTINCT ON (host, vrf, address) host, vrf, address, instance, mac
  FROM (SELECT
    unnest($1::uuid[]) AS host, unnest($2::int4[]) AS vrf, unnest($3::inet[]) AS address, unnest($4::uuid[]) AS instance,
    unnest($5::text[]) AS mac) AS t
  ORDER BY host, vrf, address
), difference AS (
  SELECT r.host, r.vrf, r.address, true AS reported, r.instance, r.mac, a.state, a.owner, a.host AS row_host, a.updated_at,
    l.address IS NOT NULL AS is_leak
  FROM r LEFT JOIN ipam.address a ON a.vrf = r.vrf AND a.address = r.address LEFT JOIN ipam.leak l ON l.vrf = r.vrf AND l.address = r.address
  WHERE l.address IS NOT NULL OR (a.owner = r.instance AND a.host = r.host AND a.state = 'bound') IS NOT TRUE
  UNION ALL
  SELECT a.host, a.vrf, a.address, false, NULL, NULL, a.state, a.owner, a.host, a.updated_at, false
  FROM ipam.address a
  WHERE a.host = ANY($6::uuid[]) AND a.state = 'bound' AND (a.vrf, a.address, a.host) NOT IN (SELECT r.vrf, r.address, r.host FROM r)
)
SELECT d.host, d.vrf, d.address, d.reported, coalesce(d.instance, '00000000-0000-0000-0000-000000000000') AS instance,
  coalesce(d.mac, '') AS mac, coalesce(d.state, '') AS state, coalesce(d.owner, '00000000-0000-0000-0000-000000000000') AS owner,
  coalesce(d.row_host, '00000000-0000-0000-0000-000000000000') AS row_host,
  coalesce((extract(epoch FROM d.updated_at) * 1000)::int8, 0) AS updated_unix_ms,
  o.owner IS NOT NULL AS owner_live, coalesce(o.state = 'running', false) AS owner_runs,
  coalesce(o.host, '00000000-0000-0000-0000-000000000000') AS owner_host, d.is_leak
FROM difference d LEFT JOIN scheduler.address_owner_v o ON o.owner = d.owner
