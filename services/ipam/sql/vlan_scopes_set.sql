-- name: vlan_scopes_set
-- columns: none
-- $1 VLAN, $2 words such as "az:a rack:r12"
WITH wanted AS (
  SELECT split_part(w, ':', 1) AS kind, split_part(w, ':', 2) AS name FROM unnest(string_to_array($2::text, ' ')) AS w
), gone AS (
  DELETE FROM ipam.vlan_scope s
  WHERE s.vlan = $1::uuid AND NOT EXISTS (SELECT FROM wanted w WHERE w.kind = s.kind AND w.name = s.name)
)
INSERT INTO ipam.vlan_scope (vlan, kind, name) SELECT $1::uuid, kind, name FROM wanted ON CONFLICT DO NOTHING
