-- name: leave
-- columns: none
SELECT monitor.leave($1::text, $2::uuid)
