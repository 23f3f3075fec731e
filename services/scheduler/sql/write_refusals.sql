-- name: write_refusals
-- columns: none
-- A refusal is written again at each try, under the operation's id, and closed when nothing waits any more; '{}' only closes.
INSERT INTO scheduler.decision (id, operation_id, refused, open, tries, since, at, next_at, data)
SELECT r.i, r.o, true, r.p, 1, to_timestamp(r.a * 0.001::float8), to_timestamp(r.a * 0.001::float8),
  to_timestamp(nullif(r.n, 0) * 0.001::float8), r.d::json
FROM (SELECT
  unnest($1::uuid[]) AS i, unnest($2::uuid[]) AS o, unnest($3::bool[]) AS p, unnest($4::bigint[]) AS a, unnest($5::bigint[]) AS n,
  unnest($6::text[]) AS d) AS r
WHERE r.d <> '{}' OR EXISTS (SELECT FROM scheduler.decision x WHERE x.id = r.i AND x.open)
ON CONFLICT (id) DO UPDATE SET open = excluded.open,
  tries = CASE WHEN excluded.open AND decision.open THEN decision.tries + 1 WHEN excluded.open THEN 1 ELSE decision.tries END,
  since = CASE WHEN decision.open OR NOT excluded.open THEN decision.since ELSE excluded.since END,
  at = CASE WHEN excluded.open THEN excluded.at ELSE decision.at END,
  next_at = CASE WHEN excluded.open THEN excluded.next_at END,
  data = CASE WHEN excluded.data::text = '{}' THEN decision.data ELSE excluded.data END
