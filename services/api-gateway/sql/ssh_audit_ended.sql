-- name: ssh_audit_ended
-- columns: none
-- As audit_add, when this transaction has ended a certificate, a key or a session (now() is the transaction's own time).
SELECT gateway.audit_add($1, $2, $3, $4, $5, $6, NULL, $7)
WHERE EXISTS (SELECT 1 FROM gateway.ssh_certificate WHERE revoked_at = now() AND revoked_by = $1)
   OR EXISTS (SELECT 1 FROM gateway.ssh_key WHERE removed_at = now() AND removed_by = $1)
   OR EXISTS (SELECT 1 FROM gateway.ssh_session WHERE revoked_at = now())
