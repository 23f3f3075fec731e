-- name: lag
-- columns: events bigint
SELECT events FROM monitor.lag_v
