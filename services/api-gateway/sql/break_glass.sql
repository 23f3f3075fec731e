-- name: break_glass
-- columns: none
SELECT gateway.break_glass($1, $2::bytea, $3)
