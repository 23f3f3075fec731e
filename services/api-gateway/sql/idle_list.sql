-- name: idle_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: idle for at least so many days, '' for 14; $4: app, '' for
-- any. Who is idle longest comes first.
WITH chosen AS NOT MATERIALIZED (
  SELECT v, v."usedAt" AS used_at, v.id FROM scheduler.idle_v v
  WHERE v."usedAt" <= clock_timestamp() - coalesce(nullif($3, '')::int, 14) * interval '1 day' AND ($4 = '' OR v.app = $4)),
page AS (
  SELECT c.v AS item, c.used_at || ' ' || c.id AS key, row_number() OVER (ORDER BY c.used_at, c.id) AS n
  FROM chosen c
  WHERE ($1 = '' OR (c.used_at, c.id) > (left($1, -37)::timestamptz, right($1, 36)::uuid))
  ORDER BY c.used_at, c.id LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM chosen) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
