-- name: subnet_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page
-- $3: VLAN, $4: VRF, $5: family, $6: level of use, '' for any
WITH page AS (
  SELECT v AS item, v.vrf || ' ' || v.cidr AS key, row_number() OVER (ORDER BY v.vrf, v.cidr::inet) AS n
  FROM ipam.subnet_v v
  WHERE ($1 = '' OR (v.vrf, v.cidr::inet) > (split_part($1, ' ', 1), split_part($1, ' ', 2)::inet))
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.family::text = $5)
    AND ($6 = '' OR v.level = $6)
  ORDER BY v.vrf, v.cidr::inet LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.subnet_v v WHERE true
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.family::text = $5)
    AND ($6 = '' OR v.level = $6)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
