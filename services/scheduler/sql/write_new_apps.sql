-- name: write_new_apps
-- columns: none
-- Rows that no batch has held before: nothing is looked for, and the keys refuse what memory got wrong. All that is not named is as the
-- column's default says.
INSERT INTO scheduler.app (id, name, image, plan, vlan, command, health, env, created_at, updated_at, team, placement, recovery, on_return)
SELECT
  r.id, r.name, r.image, r.plan, r.vlan, r.command, r.health::jsonb, r.env::jsonb, to_timestamp(r.created_at * 0.001::float8),
  to_timestamp(r.updated_at * 0.001::float8), nullif(r.team, ''), r.placement::jsonb, r.recovery, r.on_return
FROM unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::bigint[], $11::text[],
  $12::text[], $13::text[], $14::text[])
  AS r(id, name, image, plan, vlan, command, health, env, created_at, updated_at, team, placement, recovery, on_return)
