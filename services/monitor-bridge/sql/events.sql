-- name: events
-- columns: number bigint, at_unix_ms bigint, kind text, subject text, app text, host text, operation_id uuid, operation_kind text, state_old text, state_new text, health_new text, error text, reason text
SELECT number, (extract(epoch FROM at) * 1000)::bigint AS at_unix_ms, kind, subject, app, host, "operationId" AS operation_id,
  data->>'kind' AS operation_kind, data#>>'{changed,state,0}' AS state_old, data#>>'{changed,state,1}' AS state_new,
  data#>>'{changed,health,1}' AS health_new, data->>'error' AS error, data->>'reason' AS reason
FROM core.event_v WHERE stream = $1::uuid AND number > $2::bigint ORDER BY number LIMIT 500
