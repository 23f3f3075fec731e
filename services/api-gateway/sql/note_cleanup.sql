-- name: note_cleanup
-- columns: result int4
SELECT gateway.note_cleanup($1::uuid, $2, $3, $4::jsonb) AS result
