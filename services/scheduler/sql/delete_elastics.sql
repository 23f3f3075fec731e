-- name: delete_elastics
-- columns: none
DELETE FROM scheduler.elastic WHERE app_id = ANY($1::uuid[])
