-- name: import_stage
-- columns: none
-- $1: id, $2: actor, $3: file name, $4: number of the part from 0, $5: its bytes
SELECT ipam.import_stage($1::uuid, $2, $3, $4::integer, $5::bytea)
