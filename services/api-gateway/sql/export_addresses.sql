-- name: export_addresses
-- columns: key text, vrf text, vlan text, address text, state text, owner text, mac text, reason text
-- $1: key of the last line before, '' for the first page; $2: lines of a page. By the primary key.
SELECT a."vrfNumber" || ' ' || a.address AS key, a.vrf, a.vlan, a.address, a.state, a."ownerName" AS owner, a.mac, a.reason
FROM ipam.address_v a
WHERE a.state IN ('static', 'excluded')
  AND (a."vrfNumber", a.inet) > (coalesce(nullif(split_part($1, ' ', 1), ''), '-1')::int, coalesce(nullif(split_part($1, ' ', 2), ''), '0.0.0.0')::inet)
ORDER BY a."vrfNumber", a.inet LIMIT $2::bigint
