-- name: leak_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page
WITH page AS (
  SELECT v AS item, concat_ws(' ', v.vrf, v.address) AS key, row_number() OVER (ORDER BY concat_ws(' ', v.vrf, v.address)) AS n
  FROM ipam.leak_v v
  WHERE ($1 = '' OR concat_ws(' ', v.vrf, v.address) > $1)
  ORDER BY concat_ws(' ', v.vrf, v.address) LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.leak_v v WHERE true) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
