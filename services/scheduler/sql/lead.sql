-- name: lead
-- columns: lead int8
SELECT core.lead($1, $2, $3, $4)
