-- name: leak_probers
-- columns: vlan uuid, host uuid
-- $1 VLANs. Per VLAN some hosts that reported lately and that it reaches; first those that have an address of it, so have it wired.
SELECT v.id AS vlan, p.id AS host
FROM (SELECT DISTINCT id FROM unnest($1::uuid[]) AS u(id)) v CROSS JOIN LATERAL (
  SELECT h.id, EXISTS (SELECT FROM ipam.address a JOIN ipam.subnet s ON s.id = a.subnet
                       WHERE a.host = h.id AND a.state = 'bound' AND s.vlan = v.id) AS is_wired, r.received_at
  FROM scheduler.host_place_v h JOIN ipam.host_report r ON r.host = h.id
  WHERE r.received_at > now() - interval '5 minutes'
    AND (NOT EXISTS (SELECT FROM ipam.vlan_scope c WHERE c.vlan = v.id)
         OR EXISTS (SELECT FROM ipam.vlan_scope c WHERE c.vlan = v.id
                    AND c.name = CASE c.kind WHEN 'az' THEN h.az WHEN 'rack' THEN h.rack ELSE h.name END))
  ORDER BY is_wired DESC, r.received_at DESC LIMIT 16) p
ORDER BY v.id, p.is_wired DESC, p.received_at DESC
