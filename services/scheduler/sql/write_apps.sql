-- name: write_apps
-- columns: none
INSERT INTO scheduler.app (
  id, name, image, plan, vlan, command, health, env, version, deleting, created_at, updated_at, team, placement, recovery, on_return, middleware)
SELECT
  r.id, r.name, r.image, r.plan, r.vlan, r.command, r.health::jsonb, r.env::jsonb, r.version, r.deleting,
  to_timestamp(nullif(r.created_at, 0) * 0.001::float8), to_timestamp(nullif(r.updated_at, 0) * 0.001::float8), nullif(r.team, ''),
  r.placement::jsonb, r.recovery, r.on_return, r.middleware
FROM unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
  $10::bool[], $11::bigint[], $12::bigint[], $13::text[], $14::text[],
  $15::text[], $16::text[], $17::text[])
  AS r(id, name, image, plan, vlan, command, health, env, version, deleting, created_at, updated_at, team, placement, recovery, on_return, middleware)
ON CONFLICT (id) DO UPDATE SET
  image = excluded.image, plan = excluded.plan, vlan = excluded.vlan, command = excluded.command,
  health = excluded.health, env = excluded.env, version = excluded.version, deleting = excluded.deleting,
  updated_at = excluded.updated_at, team = excluded.team, placement = excluded.placement,
  recovery = excluded.recovery, on_return = excluded.on_return, middleware = excluded.middleware
