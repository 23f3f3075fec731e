-- name: instance_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: app, $4: host, $5: state, $6: labels of the app (gateway.labelled_apps), $7: part of name, address or host, each '' for any;
-- $8: what the caller may see, '' for all;
-- retired instances are history: they are listed only when asked for. They are asked for apart, so that a page of live ones is read in the order of their index and not sorted out of all.
WITH live AS (
  SELECT v AS item, v.name, v.id
  FROM scheduler.instance_v v
  WHERE $5 <> 'retired' AND v.state <> 'retired' AND ($5 = '' OR v.state = $5)
    AND ($1 = '' OR (v.name, v.id) > (SELECT b.name, b.id FROM scheduler.instance_v b WHERE b.id = $1::uuid))
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.host = $4)
    AND ($6 = '' OR v.app IN (SELECT gateway.labelled_apps($6)))
    AND ($7 = '' OR position(lower($7) IN lower(concat_ws(' ', v.name, v.address, v.host))) > 0)
    AND ($8 = '' OR (v.app, v."group") IN (SELECT app, name FROM gateway.visible_groups($8)))
  ORDER BY v.name, v.id LIMIT $2::bigint + 1), gone AS (
  SELECT v AS item, v.name, v.id
  FROM scheduler.instance_v v
  WHERE $5 = 'retired' AND v.state = 'retired'
    AND ($1 = '' OR (v.name, v.id) > (SELECT b.name, b.id FROM scheduler.instance_v b WHERE b.id = $1::uuid))
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.host = $4)
    AND ($6 = '' OR v.app IN (SELECT gateway.labelled_apps($6)))
    AND ($7 = '' OR position(lower($7) IN lower(concat_ws(' ', v.name, v.address, v.host))) > 0)
    AND ($8 = '' OR (v.app, v."group") IN (SELECT app, name FROM gateway.visible_groups($8)))
  ORDER BY v.name, v.id LIMIT $2::bigint + 1), page AS (
  SELECT item, id::text AS key, row_number() OVER (ORDER BY name, id) AS n FROM (SELECT * FROM live UNION ALL SELECT * FROM gone) u)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.instance_v v WHERE (CASE WHEN $5 = '' THEN v.state <> 'retired' ELSE v.state = $5 END)
    AND ($3 = '' OR v.app = $3)
    AND ($4 = '' OR v.host = $4)
    AND ($6 = '' OR v.app IN (SELECT gateway.labelled_apps($6)))
    AND ($7 = '' OR position(lower($7) IN lower(concat_ws(' ', v.name, v.address, v.host))) > 0)
    AND ($8 = '' OR (v.app, v."group") IN (SELECT app, name FROM gateway.visible_groups($8)))) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
