-- name: write_new_groups
-- columns: none
INSERT INTO scheduler.instance_group (id, app_id, name, next_number, version, environment, deleted)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::int[], $5::text[], $6::text[], $7::bool[])
