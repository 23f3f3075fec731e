-- name: operation_why
-- columns: item text
SELECT jsonb_build_object('operation', v.id, 'kind', v.kind, 'target', v.target, 'app', v.app, 'state', v.state, 'waitsFor', v."waitsFor",
  'error', v.error, 'refusal', (SELECT r.refusal FROM scheduler.refusal_v r WHERE r.id = v.id),
  'placements', coalesce((SELECT jsonb_agg(jsonb_build_object('at', p.at) || p.data ORDER BY p.at, p.id)
    FROM scheduler.placement_v p WHERE p."operationId" = v.id), '[]'))::text AS item
FROM scheduler.operation_v v WHERE v.id::text = $1
