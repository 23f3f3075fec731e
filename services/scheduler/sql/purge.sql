-- name: purge
-- columns: none
DELETE FROM scheduler.operation WHERE finished_at < now() - $1::bigint * interval '1 day'
