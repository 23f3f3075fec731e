-- name: drift_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: app, $4: instance, each '' for any
WITH page AS (
  SELECT v AS item, v."instanceId" || ' ' || v.path AS key, row_number() OVER (ORDER BY v."instanceId", v.path) AS n
  FROM gateway.instance_drift_v v
  WHERE ($1 = '' OR (v."instanceId", v.path) > (split_part($1, ' ', 1)::uuid, split_part($1, ' ', 2)))
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.instance = $4)
  ORDER BY v."instanceId", v.path LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM gateway.instance_drift_v v WHERE true
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.instance = $4)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
