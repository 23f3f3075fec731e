-- name: host_container_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: host
WITH page AS (
  SELECT v AS item, v.name || ' ' || v.id AS key, row_number() OVER (ORDER BY v.name, v.id) AS n
  FROM scheduler.host_container_v v
  WHERE ($1 = '' OR (v.name, v.id) > (split_part($1, ' ', 1), split_part($1, ' ', 2))) AND v.host = $3
  ORDER BY v.name, v.id LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.host_container_v v WHERE v.host = $3) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
