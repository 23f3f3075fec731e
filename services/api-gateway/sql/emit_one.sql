-- name: emit_one
-- columns: emit void
-- $1: kind, $2: subject, $3: app, $4: host, $5: actor, $6: data
SELECT core.emit(ARRAY[$1], ARRAY[$2], ARRAY[$3], ARRAY[$4], ARRAY[$5], ARRAY[NULL::uuid], ARRAY[$6])
