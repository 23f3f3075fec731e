-- name: emit
-- columns: emit void
SELECT core.emit($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[])
