-- name: import_find
-- columns: state text, error_count int4, parts int4, bytes int8
SELECT i.state, i.error_count, count(p.part)::int4 AS parts, coalesce(sum(length(p.data)), 0)::int8 AS bytes
FROM ipam.import i LEFT JOIN ipam.import_part p ON p.import_id = i.id
WHERE i.id = $1::uuid
GROUP BY i.id
