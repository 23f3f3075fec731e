-- name: load_groups
-- columns: id uuid, app_id uuid, name text, next_number int4, version text, environment text, deleted bool
SELECT id, app_id, name, next_number, version, environment, deleted FROM scheduler.instance_group
