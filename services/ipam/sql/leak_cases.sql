-- name: leak_cases
-- columns: vrf int4, vlan_id int4, address inet, generation int8, subnet uuid, vlan uuid, subnet_size int8, updated_unix_ms int8, host uuid, host_exists bool, report_taken_unix_ms int8, report_received_unix_ms int8, observations int4, first_unix_ms int8, last_unix_ms int8, silent_unix_ms int8, seen_unix_ms int8, released bool, clock_unix_ms int8, suspect bool
-- Rows whose owner is not alive any more, and suspect ones that nobody holds, with the evidence so far. A lease that runs is a matter of leases.
SELECT a.vrf, v.vlan_id, a.address, a.generation, s.id AS subnet, v.id AS vlan, ipam.span(s.first, s.last) AS subnet_size,
  (extract(epoch FROM a.updated_at) * 1000)::int8 AS updated_unix_ms, coalesce(a.host, '00000000-0000-0000-0000-000000000000') AS host,
  h.id IS NOT NULL AS host_exists, coalesce((extract(epoch FROM r.taken_at) * 1000)::int8, 0) AS report_taken_unix_ms,
  coalesce((extract(epoch FROM r.received_at) * 1000)::int8, 0) AS report_received_unix_ms, coalesce(l.observations, 0) AS observations,
  coalesce((extract(epoch FROM l.first_at) * 1000)::int8, 0) AS first_unix_ms,
  coalesce((extract(epoch FROM l.last_at) * 1000)::int8, 0) AS last_unix_ms,
  coalesce((extract(epoch FROM l.silent_at) * 1000)::int8, 0) AS silent_unix_ms,
  coalesce((extract(epoch FROM l.seen_at) * 1000)::int8, 0) AS seen_unix_ms, coalesce(l.released_at IS NOT NULL, false) AS released,
  (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS clock_unix_ms, a.state = 'suspect' AS suspect
FROM ipam.address a JOIN ipam.subnet s ON s.id = a.subnet JOIN ipam.vlan v ON v.id = s.vlan
  LEFT JOIN ipam.leak l ON l.vrf = a.vrf AND l.address = a.address AND l.generation = a.generation
  LEFT JOIN scheduler.host_place_v h ON h.id = a.host LEFT JOIN ipam.host_report r ON r.host = a.host
WHERE a.state IN ('reserved', 'bound', 'suspect') AND NOT EXISTS (SELECT FROM scheduler.address_owner_v o
      WHERE o.owner = a.owner AND (a.state <> 'suspect' OR a.address IN (o.address, o.address_v6)))
  AND (a.lease_until IS NULL OR a.lease_until < now())
ORDER BY a.vrf, a.address
LIMIT 10000
