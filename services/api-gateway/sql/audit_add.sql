-- name: audit_add
-- columns: none
SELECT gateway.audit_add($1, $2, $3, $4, $5, $6, NULL, $7)
