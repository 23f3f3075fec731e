-- name: load_env
-- columns: app_id uuid, name text, value text
SELECT a.id AS app_id, e.item->>'name' AS name, e.item->>'value' AS value
FROM scheduler.app a CROSS JOIN LATERAL jsonb_array_elements(a.env) WITH ORDINALITY AS e(item, place)
ORDER BY a.id, e.place
