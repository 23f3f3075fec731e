-- name: ssh_version
-- columns: version int8
SELECT version FROM gateway.ssh_document
