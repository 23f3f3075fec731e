-- name: write_new_apps
-- columns: none
-- Rows that no batch has held before: nothing is looked for, and the keys refuse what memory got wrong. All that is not named is as the
-- column's default says. $12 health, $13 environment and $14 placement are places in the texts of $15, which are parsed once.
INSERT INTO scheduler.app (id, name, image, plan, vlan, command, created_at, updated_at, team, recovery, on_return, health, env, placement)
SELECT
  r.id, r.name, r.image, r.plan, r.vlan, r.command, to_timestamp(r.created_at * 0.001::float8), to_timestamp(r.updated_at * 0.001::float8),
  nullif(r.team, ''), r.recovery, r.on_return, s.said[r.health], s.said[r.env], s.said[r.placement]
FROM (SELECT
  unnest($1::uuid[]) AS id, unnest($2::text[]) AS name, unnest($3::text[]) AS image, unnest($4::text[]) AS plan,
  unnest($5::text[]) AS vlan, unnest($6::text[]) AS command, unnest($7::bigint[]) AS created_at, unnest($8::bigint[]) AS updated_at,
  unnest($9::text[]) AS team, unnest($10::text[]) AS recovery, unnest($11::text[]) AS on_return, unnest($12::bigint[]) AS health,
  unnest($13::bigint[]) AS env, unnest($14::bigint[]) AS placement) AS r
CROSS JOIN (SELECT array_agg(t.text::jsonb ORDER BY t.place) FROM unnest($15::text[]) WITH ORDINALITY AS t(text, place)) AS s(said)
