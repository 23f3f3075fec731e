-- name: key_keep
-- columns: none
SELECT gateway.key_keep($1, $2, $3, $4::bigint::integer, $5, $6, $7)
