-- name: package_check
-- columns: known text, policy text, keys text
-- $1 app, $2 version. No row: no such app. keys: public keys whose signatures count for it, one a line.
SELECT coalesce((SELECT v.sha256 FROM scheduler.app_version_v v WHERE v.app = a.name AND v.version = $2), '') AS known,
  coalesce((SELECT p.policy FROM gateway.signing_policy p WHERE p.app = a.name), 'optional') AS policy,
  coalesce((SELECT string_agg(k.public_key, E'\n' ORDER BY k.created_at) FROM gateway.signing_key k WHERE k.app IN ('', a.name)), '') AS keys
FROM scheduler.app_v a WHERE a.name = $1
