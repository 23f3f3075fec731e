-- name: import_told
-- columns: none
-- $1 kinds, $2 subjects, $3 data, $4 actor: events in their order
SELECT core.emit($1::text[], $2::text[], array_fill(''::text, ARRAY[cardinality($1::text[])]), array_fill(''::text, ARRAY[cardinality($1::text[])]),
  array_fill($4::text, ARRAY[cardinality($1::text[])]), array_fill(NULL::uuid, ARRAY[cardinality($1::text[])]), $3::text[])
