-- name: exec_end
-- columns: ended boolean
SELECT gateway.exec_end($1::uuid, $2, $3::int) AS ended
