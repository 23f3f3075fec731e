-- name: address_history
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: address, $4: VRF, '' for the default one
-- $5: a time, or ''. With a time: only the event that was in force then, so who held the address.
WITH page AS (
  SELECT to_jsonb(v) - 'inet' AS item, v.at::text AS key, row_number() OVER (ORDER BY v.at DESC) AS n
  FROM ipam.address_event_v v
  WHERE v.at < coalesce(nullif($1, '')::timestamptz, 'infinity') AND v.at <= coalesce(nullif($5, '')::timestamptz, 'infinity')
    AND v.vrf = coalesce(nullif($4, ''), 'default') AND v.inet = $3::inet
    AND ($5 = '' OR v.event NOT IN ('foreign', 'missing', 'moved'))
  ORDER BY v.at DESC LIMIT CASE WHEN $5 = '' THEN $2::bigint + 1 ELSE 1 END)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  CASE WHEN $5 <> '' THEN (SELECT count(*) FROM page)
    ELSE (SELECT count(*) FROM ipam.address_event_v v WHERE v.vrf = coalesce(nullif($4, ''), 'default') AND v.inet = $3::inet) END AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
