-- name: address_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page
-- $3: VLAN, $4: VRF, $5: state, $6: address or network, $7: subnet, $8: host, $9: instance, $10: owner (name or id), '' for any
WITH page AS (
  SELECT to_jsonb(v) - 'inet' - 'vrfNumber' AS item, v."vrfNumber" || ' ' || v.address AS key, row_number() OVER (ORDER BY v."vrfNumber", v.inet) AS n
  FROM ipam.address_v v
  WHERE ($1 = '' OR (v."vrfNumber", v.inet) > (split_part($1, ' ', 1)::integer, split_part($1, ' ', 2)::inet))
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.state = $5)
    AND ($6 = '' OR v.inet <<= nullif($6, '')::inet)
    AND ($7 = '' OR v.subnet = $7)
    AND ($8 = '' OR v.host = $8)
    AND ($9 = '' OR v.instance = $9)
    AND ($10 = '' OR v."ownerName" = $10 OR v.owner::text = $10)
  ORDER BY v."vrfNumber", v.inet LIMIT $2::bigint + 1)
SELECT coalesce((SELECT json_agg(item ORDER BY n)::text FROM page WHERE n <= $2::bigint), '[]') AS items,
  (SELECT key FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  (SELECT count(*) FROM ipam.address_v v WHERE true
    AND ($3 = '' OR v.vlan = $3)
    AND ($4 = '' OR v.vrf = $4)
    AND ($5 = '' OR v.state = $5)
    AND ($6 = '' OR v.inet <<= nullif($6, '')::inet)
    AND ($7 = '' OR v.subnet = $7)
    AND ($8 = '' OR v.host = $8)
    AND ($9 = '' OR v.instance = $9)
    AND ($10 = '' OR v."ownerName" = $10 OR v.owner::text = $10)) AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
