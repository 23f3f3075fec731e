-- name: vlans_alike
-- columns: name text, scopes text
-- $1 VLAN id, $2 a VLAN by name, whose id goes first when it exists: the others of that id. Two that meet would be one wire.
SELECT v.name, coalesce((SELECT string_agg(s.kind || ':' || s.name, ' ') FROM ipam.vlan_scope s WHERE s.vlan = v.id), '') AS scopes
FROM ipam.vlan v
WHERE v.vlan_id = coalesce((SELECT own.vlan_id FROM ipam.vlan own WHERE own.name = $2::text), $1::int4)
  AND v.vlan_id > 0 AND v.name <> $2::text
ORDER BY v.name
