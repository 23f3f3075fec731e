-- name: write_elastics
-- columns: none
INSERT INTO scheduler.elastic (app_id, group_name, policy, count, changed_at, low_at, low_most, updated_at, updated_by)
SELECT r.app, r.group_name, r.policy::jsonb, r.count, to_timestamp(nullif(r.changed, 0) * 0.001::float8), to_timestamp(nullif(r.low, 0) * 0.001::float8),
  r.low_most, to_timestamp(r.updated * 0.001::float8), r.updated_by
FROM (SELECT
  unnest($1::uuid[]) AS app, unnest($2::text[]) AS group_name, unnest($3::text[]) AS policy, unnest($4::int[]) AS count,
  unnest($5::bigint[]) AS changed, unnest($6::bigint[]) AS low, unnest($7::int[]) AS low_most, unnest($8::bigint[]) AS updated,
  unnest($9::text[]) AS updated_by) AS r
ON CONFLICT (app_id, group_name) DO UPDATE SET policy = excluded.policy, count = excluded.count, changed_at = excluded.changed_at, low_at = excluded.low_at,
  low_most = excluded.low_most, updated_at = excluded.updated_at, updated_by = excluded.updated_by
