-- name: delete_elastics
-- columns: none
DELETE FROM scheduler.elastic e USING unnest($1::uuid[], $2::text[]) AS gone(app, group_name) WHERE e.app_id = gone.app AND e.group_name = gone.group_name
