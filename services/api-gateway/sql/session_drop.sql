-- name: session_drop
-- columns: none
DELETE FROM gateway.session WHERE id_sha256 = $1::bytea
