-- name: write_new_groups
-- columns: none
INSERT INTO scheduler.instance_group (id, app_id, name, next_number)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[])
