-- name: clock
-- columns: unix_ms int8
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::int8 AS unix_ms
