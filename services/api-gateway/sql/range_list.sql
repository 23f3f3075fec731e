-- name: range_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page
-- $3: VLAN, $4: VRF, $5: subnet, $6: kind, '' for any
WITH page AS (
  SELECT v AS item, v.vrf || ' ' || v.first || ' ' || v.last AS key, row_number() OVER (ORDER BY v.vrf, v.first::inet, v.last::inet) AS n
  FROM ipam.address_range_v v
  WHERE ($1 = '' OR (v.vrf, v.first::inet, v.last::inet) > (split_part($1, ' ', 1), split_part($1, ' ', 2)::inet, split_part($1, ' ', 3)::inet))
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.subnet = $5)
    AND ($6 = '' OR v.kind = $6)
  ORDER BY v.vrf, v.first::inet, v.last::inet LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.address_range_v v WHERE true
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.subnet = $5)
    AND ($6 = '' OR v.kind = $6)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
