-- name: write_new_apps
-- columns: none
-- Rows that no batch has held before: nothing is looked for, and the keys refuse what memory got wrong. All that is not named is as the
-- column's default says. $12 health, $13 environment and $14 placement are places in the texts of $15, which are parsed once.
INSERT INTO scheduler.app (id, name, image, plan, vlan, command, created_at, updated_at, team, recovery, on_return, health, env, placement)
SELECT
  r.id, r.name, r.image, r.plan, r.vlan, r.command, to_timestamp(r.created_at * 0.001::float8), to_timestamp(r.updated_at * 0.001::float8),
  nullif(r.team, ''), r.recovery, r.on_return, s.said[r.health], s.said[r.env], s.said[r.placement]
FROM unnest(
  $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::text[], $11::text[],
  $12::bigint[], $13::bigint[], $14::bigint[])
  AS r(id, name, image, plan, vlan, command, created_at, updated_at, team, recovery, on_return, health, env, placement)
CROSS JOIN (SELECT array_agg(t.text::jsonb ORDER BY t.place) FROM unnest($15::text[]) WITH ORDINALITY AS t(text, place)) AS s(said)
