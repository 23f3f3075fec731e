-- name: delete_apps
-- columns: none
DELETE FROM scheduler.app WHERE id = ANY ($1::uuid[])
