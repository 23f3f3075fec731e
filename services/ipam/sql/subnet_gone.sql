-- name: subnet_gone
-- columns: none
DELETE FROM ipam.subnet WHERE id = $1::uuid
