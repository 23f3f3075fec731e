-- name: import_scopes_set
-- columns: none
-- $1 VLANs, $2 words such as "az:a rack:r12" of each
WITH vlan AS (
  SELECT unnest($1::uuid[]) AS id, unnest($2::text[]) AS words
), wanted AS (
  SELECT v.id AS vlan, split_part(w, ':', 1) AS kind, split_part(w, ':', 2) AS name
  FROM vlan v CROSS JOIN unnest(string_to_array(v.words, ' ')) AS w
), gone AS (
  DELETE FROM ipam.vlan_scope s USING vlan v
  WHERE s.vlan = v.id AND NOT EXISTS (SELECT FROM wanted w WHERE w.vlan = s.vlan AND w.kind = s.kind AND w.name = s.name)
)
INSERT INTO ipam.vlan_scope (vlan, kind, name) SELECT vlan, kind, name FROM wanted ON CONFLICT DO NOTHING
