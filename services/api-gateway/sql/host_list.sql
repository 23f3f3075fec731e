-- name: host_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: state; $4: part of name, host name, zone or rack; each '' for any
WITH page AS (
  SELECT v AS item, v.name::text AS key, row_number() OVER (ORDER BY v.name) AS n
  FROM scheduler.host_v v
  WHERE ($1 = '' OR v.name > $1) AND ($3 = '' OR v.state = $3)
    AND ($4 = '' OR position(lower($4) IN lower(concat_ws(' ', v.name, v.hostname, v.az, v.rack))) > 0)
  ORDER BY v.name LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM scheduler.host_v v WHERE ($3 = '' OR v.state = $3)
    AND ($4 = '' OR position(lower($4) IN lower(concat_ws(' ', v.name, v.hostname, v.az, v.rack))) > 0)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
