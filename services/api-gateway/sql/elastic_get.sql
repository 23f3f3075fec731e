-- name: elastic_get
-- columns: item text
-- $2: group, '': the app as a whole
SELECT row_to_json(v)::text AS item FROM scheduler.elastic_v v WHERE v.app = $1 AND v."group" = $2
