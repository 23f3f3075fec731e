-- name: token_trim_host
-- columns: none
-- A registration that is repeated makes a new token; the one before stays valid, older ones go.
DELETE FROM gateway.token WHERE host_id = $1::uuid AND id NOT IN
  (SELECT id FROM gateway.token WHERE host_id = $1::uuid ORDER BY created_at DESC, id LIMIT 2)
