-- name: ssh_session_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: instance, $4: person, $5: open (true or
-- false), each '' for any
WITH page AS (
  SELECT v AS item, extract(epoch FROM v."startedAt") || ' ' || v."instanceId" || ' ' || v.pid AS key,
    row_number() OVER (ORDER BY v."startedAt" DESC, v."instanceId", v.pid) AS n
  FROM gateway.ssh_session_v v
  WHERE ($1 = '' OR v."startedAt" < to_timestamp(split_part($1, ' ', 1)::numeric)
      OR (v."startedAt" = to_timestamp(split_part($1, ' ', 1)::numeric) AND (v."instanceId", v.pid) > (split_part($1, ' ', 2)::uuid, split_part($1, ' ', 3)::bigint)))
    AND ($3 = '' OR v.instance = $3)
    AND ($4 = '' OR v.person = $4)
    AND ($5 = '' OR v.open = $5::boolean)
  ORDER BY v."startedAt" DESC, v."instanceId", v.pid LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM gateway.ssh_session_v v WHERE true
    AND ($3 = '' OR v.instance = $3)
    AND ($4 = '' OR v.person = $4)
    AND ($5 = '' OR v.open = $5::boolean)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
