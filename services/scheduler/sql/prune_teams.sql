-- name: prune_teams
-- columns: none
DELETE FROM scheduler.team WHERE name <> ALL($1::text[])
