-- name: user_get
-- columns: item text
SELECT (to_jsonb(v) || jsonb_build_object('grantList', coalesce((
    SELECT jsonb_agg(to_jsonb(g) - 'user' ORDER BY g.id) FROM gateway.grant_v g WHERE g."user" = v.name), '[]')))::text AS item
FROM gateway.user_v v WHERE v.name = $1
