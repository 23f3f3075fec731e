-- name: exec_alive
-- columns: session uuid, role text, is_valid boolean, is_revoked boolean, grants text, role_max text, token_team text, token_app text, token_environment text, app text, team text, environment text
SELECT session, role, is_valid, is_revoked, grants, role_max, token_team, token_app, token_environment, app, team, environment
FROM gateway.exec_rights($1::uuid[], $2::text[], $3::int)
