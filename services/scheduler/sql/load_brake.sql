-- name: load_brake
-- columns: engaged bool, reason text, since_ms int8
SELECT engaged, reason, (extract(epoch FROM since) * 1000)::bigint AS since_ms FROM scheduler.brake
