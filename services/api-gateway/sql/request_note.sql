-- name: request_note
-- columns: none
INSERT INTO gateway.request (id, credential) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING
