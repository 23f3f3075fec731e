-- name: events_trim
-- columns: n int8
SELECT core.outbox_trim($1::int) AS n
