-- name: note_drift
-- columns: result int4
SELECT gateway.note_drift($1::uuid, $2::uuid, to_timestamp($3::bigint / 1000.0), $4, $5::boolean) AS result
