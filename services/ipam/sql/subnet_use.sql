-- name: subnet_use
-- columns: state text, count int8, examples text, until text
-- $1 VRF by name, $2 the subnet. What keeps it from being deleted, by state, with three of each by name.
SELECT a.state, count(*) AS count,
  array_to_string((array_agg(host(a.address) || coalesce(' ' || o.name, nullif(' ' || a.owner_name, ' '), '') ORDER BY a.address))[1:3], ', ') AS examples,
  coalesce(to_char(max(a.free_after) AT TIME ZONE 'UTC', 'HH24:MI:SS') || ' UTC', '') AS until
FROM ipam.address a JOIN ipam.subnet s ON s.id = a.subnet JOIN ipam.vrf r ON r.number = s.vrf
  LEFT JOIN scheduler.address_owner_v o ON o.owner = a.owner
WHERE r.name = $1::text AND s.cidr = $2::cidr AND a.state <> 'excluded' AND (a.state <> 'cooling' OR a.free_after > now())
GROUP BY a.state
ORDER BY a.state
