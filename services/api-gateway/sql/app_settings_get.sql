-- name: app_settings_get
-- columns: item text
SELECT row_to_json(v)::text AS item FROM scheduler.app_settings_v v WHERE v.app = $1 OR v.id::text = $1
