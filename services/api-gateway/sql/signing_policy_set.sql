-- name: signing_policy_set
-- columns: app text
INSERT INTO gateway.signing_policy (app, policy, changed_by)
SELECT a.name, $2, $3 FROM scheduler.app_v a WHERE a.name = $1
ON CONFLICT (app) DO UPDATE SET policy = excluded.policy, changed_by = excluded.changed_by, changed_at = now()
RETURNING app
