-- name: operation_get
-- columns: item text, state text
SELECT (to_jsonb(v) || jsonb_build_object('steps', coalesce((
    SELECT jsonb_agg(to_jsonb(s) - 'operation_id' ORDER BY s.ordinal)
    FROM scheduler.operation_step_v s WHERE s.operation_id = v.id), '[]'),
    'rollout', (SELECT to_jsonb(r) - 'operation' FROM scheduler.rollout_v r WHERE r.operation = v.id)))::text AS item, v.state
FROM scheduler.operation_v v WHERE v.id = $1::uuid
