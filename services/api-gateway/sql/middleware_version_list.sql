-- name: middleware_version_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: name
WITH page AS (
  SELECT v AS item, v.version::text AS key, row_number() OVER (ORDER BY v."createdAt" DESC, v.version) AS n
  FROM scheduler.middleware_version_v v
  WHERE ($1 = '' OR (v."createdAt", v.version) < (SELECT b."createdAt", b.version FROM scheduler.middleware_version_v b WHERE b.name = $3 AND b.version = $1))
    AND v.name = $3
  ORDER BY v."createdAt" DESC, v.version LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.middleware_version_v v WHERE v.name = $3) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
