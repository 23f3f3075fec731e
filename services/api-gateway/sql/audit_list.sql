-- name: audit_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: actor, or the name behind its colon; $4: action or its
-- first word; $5: target; $6: operation; $7: result; $8: at or after; $9: before; $10: credential; each '' for any
-- What there is an index for is said of the sealed rows, which are in it, and of the others, which are few (0081).
WITH chosen AS NOT MATERIALIZED (
  SELECT v, v.id FROM gateway.audit_v v
  WHERE ($3 = '' OR v.actor = $3 OR split_part(v.actor, ':', 2) = $3)
    AND ($4 = '' OR v.action = $4 OR split_part(v.action, '.', 1) = $4)
    AND ($5 = '' OR (v.number IS NOT NULL AND v.target = $5) OR (v.number IS NULL AND v.target = $5))
    AND ($6 = '' OR (v.number IS NOT NULL AND v."operationId" = $6::uuid) OR (v.number IS NULL AND v."operationId" = $6::uuid))
    AND ($7 = '' OR v.result = $7)
    AND ($8 = '' OR (v.number IS NOT NULL AND v.at >= $8::timestamptz) OR (v.number IS NULL AND v.at >= $8::timestamptz))
    AND ($9 = '' OR v.at < $9::timestamptz)
    AND ($10 = '' OR v.credential = $10)),
page AS (
  SELECT c.v AS item, c.id::text AS key, row_number() OVER (ORDER BY c.id DESC) AS n
  FROM chosen c WHERE ($1 = '' OR c.id < $1::bigint) ORDER BY c.id DESC LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM chosen) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
