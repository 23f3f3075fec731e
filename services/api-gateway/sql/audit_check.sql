-- name: audit_check
-- columns: item text
-- $1: after which number
SELECT row_to_json(v)::text AS item FROM gateway.audit_check(greatest($1::bigint, 0), 10000) v
