-- name: event_start
-- columns: stream uuid, last bigint
SELECT p.stream, c.last FROM core.platform p CROSS JOIN core.outbox_counter c
