-- name: write_uses
-- columns: none
-- $1 instances, $2 whether each was used since its row was written last, $3 when that was told. Who was not heard of for a day
-- counts as used: silence is no idleness. One that is gone meanwhile is left out.
INSERT INTO scheduler.instance_use (instance_id, used_at, reported_at)
SELECT r.i, CASE WHEN r.u OR o.reported_at IS NULL OR o.reported_at < r.at - interval '1 day' THEN r.at ELSE o.used_at END, r.at
FROM (SELECT t.i, t.u, to_timestamp(t.a * 0.001::float8) AS at FROM (SELECT
  unnest($1::uuid[]) AS i, unnest($2::bool[]) AS u, unnest($3::bigint[]) AS a) AS t) r
  JOIN scheduler.instance x ON x.id = r.i
  LEFT JOIN scheduler.instance_use o ON o.instance_id = r.i
ON CONFLICT (instance_id) DO UPDATE SET used_at = excluded.used_at, reported_at = excluded.reported_at
