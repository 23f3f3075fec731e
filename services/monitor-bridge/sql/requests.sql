-- name: requests
-- columns: id uuid, kind text, argument text, age_ms bigint
SELECT id, kind, argument, (extract(epoch FROM clock_timestamp() - "createdAt") * 1000)::bigint AS age_ms
FROM monitor.request_v WHERE answer IS NULL ORDER BY "createdAt" LIMIT 20
