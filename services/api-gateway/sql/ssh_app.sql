-- name: ssh_app
-- columns: name text
SELECT v.name FROM scheduler.app_v v WHERE v.name = $1
