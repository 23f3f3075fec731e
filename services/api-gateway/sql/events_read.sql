-- name: events_read
-- columns: number int8, kind text, subject text, app text, host text, actor text, operation_id uuid, at_unix_ms int8, stream uuid, data text, cloud text
-- $1: the last number that was read; $2: how many
SELECT v.number, v.kind, v.subject, v.app, v.host, v.actor, v."operationId" AS operation_id,
  (extract(epoch FROM v.at) * 1000)::bigint AS at_unix_ms, v.stream, v.data::text AS data,
  json_build_object('specversion', '1.0', 'id', v.stream || '.' || v.number, 'source', '/v1/' || split_part(v.kind, '.', 1) || 's',
    'type', 'cn.sotalia.' || v.kind || '.v1', 'subject', v.subject, 'time', to_char(v.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'datacontenttype', 'application/json', 'sotalianumber', v.number, 'sotaliaactor', v.actor, 'sotaliaop', v."operationId",
    'sotaliaapp', v.app, 'sotaliahost', v.host, 'data', v.data)::text AS cloud
FROM core.event_v v WHERE v.number > $1::bigint ORDER BY v.number LIMIT $2::bigint
