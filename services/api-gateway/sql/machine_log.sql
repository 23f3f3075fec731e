-- name: machine_log
-- columns: items text, next text, total int8, cursor text
-- $1: the last line that was read, '' for none; $2: lines of a page; $3: machine
WITH page AS (
  SELECT v.line, v AS item FROM gateway.machine_line_v v
  WHERE v.machine = $3 AND v.line > coalesce(nullif($1, '')::bigint, -1) ORDER BY v.line LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY line)::text FROM (SELECT * FROM page ORDER BY line LIMIT $2::bigint) p), '[]') AS items,
  (SELECT max(line)::text FROM (SELECT line FROM page ORDER BY line LIMIT $2::bigint) p WHERE (SELECT count(*) FROM page) > $2::bigint) AS next,
  coalesce((SELECT m.lines FROM gateway.machine_v m WHERE m.name = $3), 0) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
