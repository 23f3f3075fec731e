-- name: audit_seal
-- columns: sealed int8
SELECT gateway.audit_seal() AS sealed
