-- name: delete_instances
-- columns: none
DELETE FROM scheduler.instance WHERE app_id = ANY ($1::uuid[])
