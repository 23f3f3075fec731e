-- name: elastic_get
-- columns: item text
SELECT row_to_json(v)::text AS item FROM scheduler.elastic_v v WHERE v.app = $1
