-- name: delete_elastics
-- columns: none
DELETE FROM scheduler.elastic e USING (SELECT unnest($1::uuid[]) AS app, unnest($2::text[]) AS group_name) AS gone
WHERE e.app_id = gone.app AND e.group_name = gone.group_name
