-- name: delete_mixing
-- columns: none
DELETE FROM scheduler.mixing
