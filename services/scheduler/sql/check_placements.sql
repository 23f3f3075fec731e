-- name: check_placements
-- columns: check_placements void
SELECT scheduler.check_placements($1, $2, $3, $4)
