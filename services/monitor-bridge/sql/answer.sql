-- name: answer
-- columns: none
SELECT monitor.answer($1::uuid, $2::text, $3::jsonb)
