-- name: change_told
-- columns: none
-- $1 kind, $2 subject, $3 actor, $4 data
SELECT core.emit(ARRAY[$1::text], ARRAY[$2::text], ARRAY[''], ARRAY[''], ARRAY[$3::text], ARRAY[NULL::uuid], ARRAY[$4::text])
