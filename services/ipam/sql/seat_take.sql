-- name: seat_take
-- columns: epoch int8
SELECT ipam.seat_take($1, $2, $3) AS epoch
