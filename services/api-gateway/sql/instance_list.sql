-- name: instance_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: app, $4: host, $5: state, $6: labels of the app (gateway.labelled_apps), each '' for any; $7: what the caller may see, '' for all;
-- retired instances are history: they are listed only when asked for
WITH page AS (
  SELECT v AS item, v.id::text AS key, row_number() OVER (ORDER BY v.name, v.id) AS n
  FROM scheduler.instance_v v
  WHERE ($1 = '' OR (v.name, v.id) > (SELECT b.name, b.id FROM scheduler.instance_v b WHERE b.id = $1::uuid))
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.host = $4)
    AND (CASE WHEN $5 = '' THEN v.state <> 'retired' ELSE v.state = $5 END)
    AND ($6 = '' OR v.app IN (SELECT gateway.labelled_apps($6)))
    AND ($7 = '' OR (v.app, v."group") IN (SELECT app, name FROM gateway.visible_groups($7)))
  ORDER BY v.name, v.id LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.instance_v v WHERE true
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.host = $4)
    AND (CASE WHEN $5 = '' THEN v.state <> 'retired' ELSE v.state = $5 END)
    AND ($6 = '' OR v.app IN (SELECT gateway.labelled_apps($6)))
    AND ($7 = '' OR (v.app, v."group") IN (SELECT app, name FROM gateway.visible_groups($7)))) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
