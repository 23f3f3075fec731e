-- name: operation_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: state or 'open', $4: app, $5: kind or its
-- first word ('bulk', 'app', ...), or 'rollouts' for all that go over an app batch by batch, $6: actor, $7: parent or 'any', $8: accepted at or after, $9: accepted before, $10: what
-- it is a retry of; each '' for any, but without $7 the children of bulk operations are left out.
-- $11: what the caller may see, '' for all.
-- What has not ended comes first, then the newest: ids are UUIDv7. The key says which part an item was in.
WITH chosen AS NOT MATERIALIZED (
  SELECT v, v.id, v.state IN ('queued', 'running') AS open
  FROM scheduler.operation_v v
  WHERE ($3 = '' OR v.state = $3 OR ($3 = 'open' AND v.state IN ('queued', 'running')))
    AND ($4 = '' OR v.app = $4)
    AND ($5 = '' OR v.kind = $5 OR split_part(v.kind, '.', 1) = $5
      OR ($5 = 'rollouts' AND v.kind IN ('app.deploy', 'app.resize', 'app.rebuild', 'app.middleware')))
    AND ($6 = '' OR v.actor = $6)
    AND (CASE $7 WHEN '' THEN v.parent IS NULL WHEN 'any' THEN true ELSE v.parent = $7::uuid END)
    AND ($8 = '' OR v."createdAt" >= $8::timestamptz)
    AND ($9 = '' OR v."createdAt" < $9::timestamptz)
    AND ($10 = '' OR v."retryOf" = $10::uuid)
    AND ($11 = '' OR v.app IN (SELECT gateway.visible_apps($11)))),
page AS (
  SELECT c.v AS item, CASE WHEN c.open THEN '1' ELSE '0' END || c.id AS key, row_number() OVER (ORDER BY c.open DESC, c.id DESC) AS n
  FROM chosen c
  WHERE ($1 = '' OR (c.open, c.id) < (left($1, 1) = '1', substr($1, 2)::uuid))
  ORDER BY c.open DESC, c.id DESC LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM chosen) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
