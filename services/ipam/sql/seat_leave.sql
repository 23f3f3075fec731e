-- name: seat_leave
-- columns: seat_leave void
SELECT ipam.seat_leave($1, $2)
