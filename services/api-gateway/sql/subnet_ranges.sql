-- name: subnet_ranges
-- columns: first inet, last inet, kind text, item text
-- $1: network/prefix, $2: VRF
SELECT v.first::inet AS first, v.last::inet AS last, CASE WHEN v.pool <> '' THEN 'named' ELSE v.kind END AS kind, row_to_json(v)::text AS item
FROM ipam.address_range_v v WHERE v.subnet = $1 AND v.vrf = $2 ORDER BY v.first::inet
