-- name: write_apps
-- columns: none
INSERT INTO scheduler.app (
  id, name, image, plan, vlan, command, health, env, version, deleting, created_at, updated_at, team, placement, recovery, on_return, middleware,
  labels, windows, opt_outs, middleware_before, version_before, keep_versions, keep_days)
SELECT
  r.id, r.name, r.image, r.plan, r.vlan, r.command, r.health::jsonb, r.env::jsonb, r.version, r.deleting,
  to_timestamp(nullif(r.created_at, 0) * 0.001::float8), to_timestamp(nullif(r.updated_at, 0) * 0.001::float8), nullif(r.team, ''),
  r.placement::jsonb, r.recovery, r.on_return, r.middleware,
  CASE WHEN r.labels = '' THEN '{}' ELSE scheduler.labels_json(r.labels) END, r.windows, r.opt_outs, r.middleware_before, r.version_before, r.keep_versions, r.keep_days
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS name, unnest($3::text[]) AS image, unnest($4::text[]) AS plan,
  unnest($5::text[]) AS vlan, unnest($6::text[]) AS command, unnest($7::bigint[]) AS created_at, unnest($8::bigint[]) AS updated_at,
  unnest($9::text[]) AS team, unnest($10::text[]) AS recovery, unnest($11::text[]) AS on_return, unnest($12::text[]) AS health,
  unnest($13::text[]) AS env, unnest($14::text[]) AS placement, unnest($15::text[]) AS version, unnest($16::bool[]) AS deleting,
  unnest($17::text[]) AS middleware, unnest($18::text[]) AS labels, unnest($19::text[]) AS windows, unnest($20::text[]) AS opt_outs,
  unnest($21::text[]) AS middleware_before, unnest($22::text[]) AS version_before, unnest($23::int[]) AS keep_versions,
  unnest($24::int[]) AS keep_days) AS r
ON CONFLICT (id) DO UPDATE SET
  image = excluded.image, plan = excluded.plan, vlan = excluded.vlan, command = excluded.command,
  health = excluded.health, env = excluded.env, version = excluded.version, deleting = excluded.deleting,
  updated_at = excluded.updated_at, team = excluded.team, placement = excluded.placement,
  recovery = excluded.recovery, on_return = excluded.on_return, middleware = excluded.middleware,
  labels = excluded.labels, windows = excluded.windows, opt_outs = excluded.opt_outs, middleware_before = excluded.middleware_before,
  version_before = excluded.version_before, keep_versions = excluded.keep_versions, keep_days = excluded.keep_days
