-- name: ssh_emit_ended
-- columns: none
-- $1: actor, $2: subject. The event ssh.revoked, when this transaction has ended a certificate, a key or a session.
SELECT core.emit(ARRAY['ssh.revoked'], ARRAY[$2], ARRAY[''], ARRAY[''], ARRAY[$1], ARRAY[NULL::uuid], ARRAY['{}'])
WHERE EXISTS (SELECT 1 FROM gateway.ssh_certificate WHERE revoked_at = now() AND revoked_by = $1)
   OR EXISTS (SELECT 1 FROM gateway.ssh_key WHERE removed_at = now() AND removed_by = $1)
   OR EXISTS (SELECT 1 FROM gateway.ssh_session WHERE revoked_at = now())
