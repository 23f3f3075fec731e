-- name: import_addresses
-- columns: vrf text, address inet, state text, owner text, reason text, mac text, holder text, free_in_ms int8
-- $1: the addresses of a file, of any VRF
SELECT r.name AS vrf, a.address, a.state, a.owner_name AS owner, a.reason, coalesce(a.mac::text, '') AS mac,
  coalesce('instance ' || o.name, 'instance ' || a.owner::text, nullif(a.reason, ''), '') AS holder,
  coalesce(ceil(extract(epoch FROM a.free_after - now()) * 1000)::int8, 0) AS free_in_ms
FROM ipam.address a JOIN ipam.vrf r ON r.number = a.vrf LEFT JOIN scheduler.address_owner_v o ON o.owner = a.owner
WHERE a.address = ANY ($1::inet[])
