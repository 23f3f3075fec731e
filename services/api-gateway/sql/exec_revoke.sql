-- name: exec_revoke
-- columns: session uuid
SELECT session FROM gateway.exec_revoke($1) AS session
