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
FROM unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[],
  $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
  $15::text[], $16::bool[], $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::int[], $24::int[])
  AS r(id, name, image, plan, vlan, command, created_at, updated_at, team, recovery, on_return, health, env, placement, version, deleting, middleware,
    labels, windows, opt_outs, middleware_before, version_before, keep_versions, keep_days)
ON CONFLICT (id) DO UPDATE SET
  image = excluded.image, plan = excluded.plan, vlan = excluded.vlan, command = excluded.command,
  health = excluded.health, env = excluded.env, version = excluded.version, deleting = excluded.deleting,
  updated_at = excluded.updated_at, team = excluded.team, placement = excluded.placement,
  recovery = excluded.recovery, on_return = excluded.on_return, middleware = excluded.middleware,
  labels = excluded.labels, windows = excluded.windows, opt_outs = excluded.opt_outs, middleware_before = excluded.middleware_before,
  version_before = excluded.version_before, keep_versions = excluded.keep_versions, keep_days = excluded.keep_days
