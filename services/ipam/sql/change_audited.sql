-- name: change_audited
-- columns: none
-- $1 actor, $2 source address, $3 API request id, $4 action, $5 target, $6 detail
SELECT gateway.audit_add($1::text, $2::text, $3::text, $4::text, $5::text, 'ok', NULL, $6::text)
