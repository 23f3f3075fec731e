-- name: address_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: VLAN, $4: state, $5: address, '' for any
WITH page AS (
  SELECT v AS item, v.address::text AS key, row_number() OVER (ORDER BY v.address::inet) AS n
  FROM ipam.address_v v
  WHERE ($1 = '' OR v.address::inet > $1::inet)
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.state = $4)
    AND ($5 = '' OR v.address = $5)
  ORDER BY v.address::inet LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.address_v v WHERE true
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.state = $4)
    AND ($5 = '' OR v.address = $5)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
