-- name: ssh_document
-- columns: version int8, serials text, fingerprints text, keys text
-- What is revoked and which keys are valid. A certificate stays listed for an hour after its end (clocks differ), a removed
-- key for 30 days (it is in no file of valid keys any more; sessions that it opened are ended on its account).
SELECT d.version,
  coalesce((SELECT json_agg(c.serial ORDER BY c.serial) FROM gateway.ssh_certificate c
            WHERE c.revoked_at IS NOT NULL AND c.valid_until > now() - interval '1 hour'), '[]')::text AS serials,
  coalesce((SELECT json_agg(DISTINCT k.fingerprint) FROM gateway.ssh_key k
            WHERE k.removed_at > now() - interval '30 days'
              AND NOT EXISTS (SELECT 1 FROM gateway.ssh_key l WHERE l.fingerprint = k.fingerprint AND l.removed_at IS NULL)), '[]')::text AS fingerprints,
  coalesce((SELECT json_agg(json_build_object('scope', k.scope, 'account', k.account, 'line', k.public_key) ORDER BY k.id)
            FROM gateway.ssh_key k WHERE k.removed_at IS NULL), '[]')::text AS keys
FROM gateway.ssh_document d
