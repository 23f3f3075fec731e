-- name: change_version
-- columns: version int8
SELECT version FROM ipam.plan
