-- name: finding_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: kind, $4: VRF, $5: host, '' for any
WITH page AS (
  SELECT v AS item, concat_ws(' ', v.address, v.vrf, v.kind, v.host) AS key, row_number() OVER (ORDER BY concat_ws(' ', v.address, v.vrf, v.kind, v.host)) AS n
  FROM ipam.finding_v v
  WHERE ($1 = '' OR concat_ws(' ', v.address, v.vrf, v.kind, v.host) > $1)
    AND ($3 = '' OR v.kind = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.host = $5)
  ORDER BY concat_ws(' ', v.address, v.vrf, v.kind, v.host) LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.finding_v v WHERE true
    AND ($3 = '' OR v.kind = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.host = $5)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
