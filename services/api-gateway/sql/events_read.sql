-- name: events_read
-- columns: number int8, kind text, subject text, app text, host text, actor text, operation_id uuid, at_unix_ms int8, stream uuid, data text, cloud text
-- $1: the last number that was read; $2: how many
SELECT v.number, v.kind, v.subject, v.app, v.host, v.actor, v.operation_id,
  (extract(epoch FROM v.at) * 1000)::bigint AS at_unix_ms, p.stream, v.data::text AS data,
  core.cloud_event(p.stream, v.number, v.at, v.kind, v.subject, v.app, v.host, v.actor, v.operation_id, v.data)::text AS cloud
FROM core.events_after($1::bigint, $2::bigint) v CROSS JOIN core.platform p ORDER BY v.number
