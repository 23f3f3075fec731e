-- name: exec_begin
-- columns: begun boolean
-- $1 session, $2 kind, $3 instance, $4 person, $5 actor, $6 account, $7 address, $8 request id, $9 command, $10 seconds until it counts as abandoned
SELECT gateway.exec_begin($1::uuid, $2, $3::uuid, $4, $5, $6, $7, $8, $9, $10::int) AS begun
