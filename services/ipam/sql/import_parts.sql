-- name: import_parts
-- columns: data bytea
-- $1 import, $2 the first part, $3 how many
SELECT data FROM ipam.import_part WHERE import_id = $1::uuid AND part >= $2::int4 AND part < $2::int4 + $3::int4 ORDER BY part
