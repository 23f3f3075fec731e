-- name: ssh_key_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: person, '' for any
WITH page AS (
  SELECT v AS item, v.id::text AS key, row_number() OVER (ORDER BY v.id ASC) AS n
  FROM gateway.ssh_key_v v
  WHERE ($1 = '' OR v.id > $1::uuid)
    AND ($3 = '' OR v.person = $3)
  ORDER BY v.id ASC LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM gateway.ssh_key_v v WHERE true
    AND ($3 = '' OR v.person = $3)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
