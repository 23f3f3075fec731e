-- name: ssh_revoke_certificates
-- columns: serial int8
-- $1: person, or ''; $2: serial, or 0; $3: who revokes; $4: whose it must be, '' for anybody's
UPDATE gateway.ssh_certificate SET revoked_at = now(), revoked_by = $3
WHERE (CASE WHEN $1 = '' THEN serial = $2::bigint ELSE person = $1 END) AND ($4 = '' OR person = $4)
  AND revoked_at IS NULL AND valid_until > now()
RETURNING serial
