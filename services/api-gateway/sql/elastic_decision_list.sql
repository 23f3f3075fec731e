-- name: elastic_decision_list
-- columns: items text, next text, total int8, cursor text
-- $1: number of the last decision of the page before, '' for the first page; $2: items of a page; $3: app; $4: group, '': of all. The newest first.
WITH page AS (
  SELECT v AS item, v.number::text AS key, row_number() OVER (ORDER BY v.number DESC) AS n
  FROM scheduler.elastic_decision_v v
  WHERE v.app = $3 AND ($4 = '' OR v."group" = $4) AND ($1 = '' OR v.number < nullif($1, '')::bigint)
  ORDER BY v.number DESC LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.elastic_decision_v v WHERE v.app = $3 AND ($4 = '' OR v."group" = $4)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
