-- name: address_history
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: address
WITH page AS (
  SELECT v AS item, v.at::text AS key, row_number() OVER (ORDER BY v.at DESC) AS n
  FROM ipam.address_event_v v
  WHERE ($1 = '' OR v.at < $1::timestamptz)
    AND v.address = $3
  ORDER BY v.at DESC LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.address_event_v v WHERE true
    AND v.address = $3) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
