-- name: write_new_groups
-- columns: none
INSERT INTO scheduler.instance_group (id, app_id, name, next_number)
SELECT unnest($1::uuid[]), unnest($2::uuid[]), unnest($3::text[]), unnest($4::int[])
