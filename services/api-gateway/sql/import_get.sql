-- name: import_get
-- columns: item text, error_count int4, lines int4, problems text
-- The errors come twice: as they are, and as errors of a problem document.
SELECT row_to_json(v)::text AS item, v."errorCount" AS error_count, v.lines,
  (SELECT coalesce(json_agg(json_build_object('pointer', concat('/lines/', e->>'line', '/', e->>'column'), 'detail', e->>'detail',
                                              'line', e->'line', 'column', e->'column') ORDER BY n), '[]')::text
   FROM jsonb_array_elements(v.errors) WITH ORDINALITY AS t (e, n)) AS problems
FROM ipam.import_v v WHERE v.id::text = $1
