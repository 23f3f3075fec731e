-- name: note_disk
-- columns: result int4
SELECT gateway.note_disk($1::uuid, $2::uuid, $3::boolean, $4::bigint, $5::bigint, $6) AS result
