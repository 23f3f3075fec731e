-- name: export_ranges
-- columns: key text, vrf text, vlan text, first text, last text, state text, owner text, reason text, pool text
-- $1: key of the last line before, '' for the first page; $2: lines of a page
SELECT r.vrf || ' ' || r.first || ' ' || r.last AS key, r.vrf, r.vlan, r.first, r.last, r.kind AS state, r.owner, r.reason, r.pool
FROM ipam.address_range_v r
WHERE $1 = '' OR (r.vrf, r.first::inet, r.last::inet) >
  (split_part($1, ' ', 1), nullif(split_part($1, ' ', 2), '')::inet, nullif(split_part($1, ' ', 3), '')::inet)
ORDER BY r.vrf, r.first::inet, r.last::inet LIMIT $2::bigint
