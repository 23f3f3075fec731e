-- name: write_brake
-- columns: none
INSERT INTO scheduler.brake (engaged, reason, since) VALUES ($1, $2, to_timestamp($3::bigint / 1000.0))
ON CONFLICT (one) DO UPDATE SET engaged = excluded.engaged, reason = excluded.reason, since = excluded.since
