-- name: middleware_check
-- columns: known text, policy text, keys text
-- $1 name of the package, $2 version. As package_check; keys that count for every app count here.
SELECT coalesce((SELECT v.sha256 FROM scheduler.middleware_version_v v WHERE v.name = $1 AND v.version = $2), '') AS known,
  'optional' AS policy,
  coalesce((SELECT string_agg(k.public_key, E'\n' ORDER BY k.created_at) FROM gateway.signing_key k WHERE k.app = ''), '') AS keys
