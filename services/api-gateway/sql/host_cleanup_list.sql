-- name: host_cleanup_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: host
WITH page AS (
  SELECT v AS item, v.policy || ' ' || v.mode AS key, row_number() OVER (ORDER BY v.policy, v.mode) AS n
  FROM gateway.host_cleanup_v v
  WHERE ($1 = '' OR (v.policy, v.mode) > (split_part($1, ' ', 1), split_part($1, ' ', 2))) AND v.host = $3
  ORDER BY v.policy, v.mode LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM gateway.host_cleanup_v v WHERE v.host = $3) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
