-- name: host_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: state; $4: part of name, host name, zone or rack; each '' for any
-- A part is looked for once, for page and total.
WITH found AS MATERIALIZED (
  SELECT v.name FROM scheduler.host_v v
  WHERE $4 <> '' AND ($3 = '' OR v.state = $3) AND lower(concat_ws(' ', v.name, v.hostname, v.az, v.rack)) LIKE gateway.part_of($4)),
page AS (
  SELECT k.name::text AS key, row_number() OVER (ORDER BY k.name) AS n FROM (
    (SELECT v.name FROM scheduler.host_v v WHERE $4 = '' AND ($1 = '' OR v.name > $1) AND ($3 = '' OR v.state = $3) ORDER BY v.name LIMIT $2::bigint + 1)
    UNION ALL
    (SELECT f.name FROM found f WHERE $1 = '' OR f.name > $1 ORDER BY f.name LIMIT $2::bigint + 1)) k)
SELECT coalesce((SELECT json_agg(v ORDER BY p.n)::text FROM page p JOIN scheduler.host_v v ON v.name = p.key WHERE p.n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  CASE WHEN $4 = '' THEN (SELECT count(*) FROM scheduler.host_v v WHERE $3 = '' OR v.state = $3) ELSE (SELECT count(*) FROM found) END AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
