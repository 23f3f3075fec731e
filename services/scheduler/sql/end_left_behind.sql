-- name: end_left_behind
-- columns: ended int8
SELECT core.end_left_behind($1, $2) AS ended
