-- name: events_number
-- columns: last int8, stream uuid, floor int8
SELECT core.number_events() AS last, p.stream, (SELECT c.floor FROM core.outbox_counter c) AS floor FROM core.platform p
