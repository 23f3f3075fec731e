-- name: user_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: role, '' for any
WITH chosen AS NOT MATERIALIZED (SELECT v, v.name AS key FROM gateway.user_v v WHERE ($3 = '' OR v.role = $3)),
page AS (
  SELECT c.v AS item, c.key, row_number() OVER (ORDER BY c.key) AS n FROM chosen c
  WHERE ($1 = '' OR c.key > $1) ORDER BY c.key LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM chosen) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
