-- name: group_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: app
WITH page AS (
  SELECT v AS item, v.name::text AS key, row_number() OVER (ORDER BY v.name ASC) AS n
  FROM scheduler.group_v v
  WHERE ($1 = '' OR v.name > $1) AND v.app = $3
  ORDER BY v.name ASC LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.group_v v WHERE v.app = $3) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
