-- name: write_elastics
-- columns: none
INSERT INTO scheduler.elastic (app_id, group_name, policy, count, changed_at, low_at, low_most, updated_at, updated_by)
SELECT r.app, r.group_name, r.policy::jsonb, r.count, to_timestamp(nullif(r.changed, 0) * 0.001::float8), to_timestamp(nullif(r.low, 0) * 0.001::float8),
  r.low_most, to_timestamp(r.updated * 0.001::float8), r.updated_by
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::int[], $8::bigint[], $9::text[])
  AS r(app, group_name, policy, count, changed, low, low_most, updated, updated_by)
ON CONFLICT (app_id, group_name) DO UPDATE SET policy = excluded.policy, count = excluded.count, changed_at = excluded.changed_at, low_at = excluded.low_at,
  low_most = excluded.low_most, updated_at = excluded.updated_at, updated_by = excluded.updated_by
