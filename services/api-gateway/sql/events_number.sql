-- name: events_number
-- columns: last int8, stream uuid
SELECT core.number_events() AS last, p.stream FROM core.platform p
