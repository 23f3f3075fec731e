-- name: load_groups
-- columns: id uuid, app_id uuid, name text, next_number int4
SELECT id, app_id, name, next_number FROM scheduler.instance_group
