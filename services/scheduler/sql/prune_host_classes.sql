-- name: prune_host_classes
-- columns: none
DELETE FROM scheduler.host_class WHERE name <> ALL($1::text[])
