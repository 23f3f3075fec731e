-- name: mixing_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page
WITH page AS (
  SELECT v AS item, v.workload || '/' || v.beside AS key, row_number() OVER (ORDER BY v.workload || '/' || v.beside) AS n
  FROM scheduler.mixing_v v
  WHERE ($1 = '' OR v.workload || '/' || v.beside > $1)
  ORDER BY v.workload || '/' || v.beside LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.mixing_v v WHERE true) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
