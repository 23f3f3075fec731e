-- name: prune_plans
-- columns: none
DELETE FROM scheduler.plan WHERE name <> ALL($1::text[])
