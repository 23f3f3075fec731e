-- name: write_groups
-- columns: none
INSERT INTO scheduler.instance_group (id, app_id, name, next_number, version, environment, deleted)
SELECT
  unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::int[]), unnest($5::text[]), unnest($6::text[]),
  unnest($7::bool[])
ON CONFLICT (id) DO UPDATE SET next_number = excluded.next_number, version = excluded.version, environment = excluded.environment,
  deleted = excluded.deleted
