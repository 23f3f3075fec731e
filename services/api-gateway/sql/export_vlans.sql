-- name: export_vlans
-- columns: key text, vrf text, vlan text, vlan_id int4, grp text, mtu int4, isolated bool, dns_zone text, scopes text, description text
-- $1: key of the last line before, '' for the first page; $2: lines of a page
SELECT v.name AS key, v.vrf, v.name AS vlan, v."vlanId" AS vlan_id, v."group" AS grp, v.mtu, v.isolated, v."dnsZone" AS dns_zone,
  coalesce((SELECT string_agg(concat(s->>'kind', ':', s->>'name'), ' ' ORDER BY s->>'kind', s->>'name') FROM json_array_elements(v.scopes) s),
           'everywhere') AS scopes, v.description
FROM ipam.vlan_v v WHERE v.name > $1 ORDER BY v.name LIMIT $2::bigint
