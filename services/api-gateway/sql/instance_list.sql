-- name: instance_list
-- columns: items text, next text, total int8, cursor text
-- $1: key of the page before, '' for the first page; $2: items of a page; $3: app, $4: host, $5: state, $6: labels of the app (gateway.labelled_apps), $7: part of name, address or host, each '' for any;
-- $8: what the caller may see, '' for all;
-- A part of a name is looked for once, for page and total: in names (of those that have arrived by the index of their parts, of those on their way one by one), then in what stands on hosts of such a name and, when it looks like one, in addresses; no further than 10,001 of them, which is then the
-- total (names of instances have no dot), and the page is read in the order of the index of names, as it is when no part is asked for. Only the page is joined with what is shown.
WITH before AS (SELECT b.name, b.id FROM scheduler.instance_key_v b WHERE $1 <> '' AND b.id = nullif($1, '')::uuid),
asked AS MATERIALIZED (SELECT gateway.network_of($7) AS net, $7 ~ '^[0-9.]+$' AS digits, gateway.part_of($7) AS part),
found AS MATERIALIZED (
  SELECT f.id, f.name FROM scheduler.instances_fitting($3, $4, $5, $6, $8) f WHERE $7 <> '' AND $7 !~ '[.]' AND f.name LIKE gateway.part_of($7)
    AND f.state NOT IN ('requested', 'placed', 'creating', 'starting')
  UNION ALL SELECT f.id, f.name FROM scheduler.instances_fitting($3, $4, $5, $6, $8) f WHERE $7 <> '' AND $7 !~ '[.]' AND f.name LIKE gateway.part_of($7)
    AND f.state IN ('requested', 'placed', 'creating', 'starting')
  UNION ALL SELECT o.id, o.name FROM (
    SELECT f.id, f.name FROM scheduler.host_v h JOIN scheduler.instances_fitting($3, $4, $5, $6, $8) f ON f.host_id = h.id
    WHERE $7 <> '' AND h.name LIKE (SELECT part FROM asked) AND f.name NOT LIKE (SELECT part FROM asked)
    UNION
    SELECT f.id, f.name FROM scheduler.instances_fitting($3, $4, $5, $6, $8) f
    WHERE (SELECT net FROM asked) IS NOT NULL AND f.vrf = ANY (ARRAY(SELECT number FROM ipam.vrf_number_v))
      AND f.address >= (SELECT net FROM asked) AND f.address <= (SELECT host(broadcast(net))::inet FROM asked) AND starts_with(host(f.address), $7)
    UNION
    SELECT f.id, f.name FROM scheduler.instances_fitting($3, $4, $5, $6, $8) f
    WHERE (SELECT net IS NULL AND digits FROM asked) AND f.name NOT LIKE (SELECT part FROM asked) AND position($7 IN host(f.address)) > 0) o
  LIMIT 10001),
many AS MATERIALIZED (SELECT $7 = '' OR (SELECT count(*) FROM found) > 10000 AS are),
page AS (
  SELECT k.id, row_number() OVER (ORDER BY k.name, k.id) AS n FROM (
    (SELECT f.id, f.name FROM scheduler.instances_fitting($3, $4, $5, $6, $8) f
     WHERE (SELECT are FROM many) AND ($1 = '' OR (f.name, f.id) > ((SELECT name FROM before), (SELECT id FROM before)))
       AND ($7 = '' OR f.name LIKE (SELECT part FROM asked) OR f.host_id IN (SELECT h.id FROM scheduler.host_v h WHERE h.name LIKE (SELECT part FROM asked))
         OR ((SELECT digits FROM asked) AND CASE WHEN (SELECT net FROM asked) IS NULL THEN position($7 IN host(f.address)) > 0
           ELSE f.address <<= (SELECT net FROM asked) AND starts_with(host(f.address), $7) END))
     ORDER BY f.name, f.id LIMIT $2::bigint + 1)
    UNION ALL
    (SELECT f.id, f.name FROM found f
     WHERE NOT (SELECT are FROM many) AND ($1 = '' OR (f.name, f.id) > ((SELECT name FROM before), (SELECT id FROM before)))
     ORDER BY f.name, f.id LIMIT $2::bigint + 1)) k)
SELECT coalesce((SELECT json_agg(v ORDER BY p.n)::text FROM page p JOIN scheduler.instance_v v ON v.id = p.id WHERE p.n <= $2::bigint), '[]') AS items,
  (SELECT id::text FROM page WHERE n = $2::bigint AND EXISTS (SELECT 1 FROM page WHERE n > $2::bigint)) AS next,
  CASE WHEN $7 = '' THEN (SELECT count(*) FROM scheduler.instances_fitting($3, $4, $5, $6, $8)) ELSE (SELECT count(*) FROM found) END AS total,
  (SELECT p.stream || '.' || c.last FROM core.platform p, core.outbox_counter c) AS cursor
