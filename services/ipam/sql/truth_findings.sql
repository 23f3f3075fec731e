-- name: truth_findings
-- columns: kind text, fresh int8
-- $1 host, $2 vrf, $3 address, $4 kind (`keep`: whatever stands for it stands), $5 owner, $6 mac or '', $7 detail; $8 the hosts of
-- which these are all the findings: others of theirs have gone away. Each event is told once, when the finding is new.
WITH f AS (
  SELECT DISTINCT ON (vrf, address, kind, host) host, vrf, address, kind, owner, nullif(mac, '')::macaddr AS mac, detail
  FROM (SELECT
    unnest($1::uuid[]) AS host, unnest($2::int4[]) AS vrf, unnest($3::inet[]) AS address, unnest($4::text[]) AS kind,
    unnest($5::uuid[]) AS owner, unnest($6::text[]) AS mac, unnest($7::text[]) AS detail) AS t
  ORDER BY vrf, address, kind, host
), gone AS (
  DELETE FROM ipam.finding x
  WHERE x.host = ANY($8::uuid[]) AND NOT EXISTS (
    SELECT FROM f WHERE f.host = x.host AND f.vrf = x.vrf AND f.address = x.address AND f.kind IN (x.kind, 'keep'))
), kept AS (
  INSERT INTO ipam.finding AS x (vrf, address, kind, host, owner, mac, detail)
  SELECT f.vrf, f.address, f.kind, f.host, coalesce(f.owner, a.owner), f.mac, f.detail
  FROM f LEFT JOIN ipam.address a ON a.vrf = f.vrf AND a.address = f.address
  WHERE f.kind <> 'keep'
  ORDER BY f.vrf, f.address, f.kind, f.host
  ON CONFLICT (vrf, address, kind, host) DO UPDATE
    SET last_at = clock_timestamp(), owner = excluded.owner, mac = excluded.mac, detail = excluded.detail
  RETURNING x.vrf, x.address, x.kind, x.host, x.owner, x.mac, x.detail, x.xmax = 0 AS is_fresh
), news AS (
  SELECT k.*, coalesce(a.generation, 0) AS generation, coalesce(h.name, '') AS host_name, coalesce(b.name, '') AS bound_name,
    (SELECT v.name FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan WHERE s.vrf = k.vrf AND s.cidr >> k.address LIMIT 1) AS vlan
  FROM kept k LEFT JOIN ipam.address a ON a.vrf = k.vrf AND a.address = k.address
    LEFT JOIN scheduler.host_place_v h ON h.id = k.host LEFT JOIN scheduler.host_place_v b ON b.id = a.host
  WHERE k.is_fresh
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, reason)
  SELECT vrf, address, kind, owner, host, mac, generation, 'svc:ipam', detail FROM news
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.' || kind), array_agg(host(address)), array_agg(''::text), array_agg(host_name),
    array_agg('svc:ipam'::text), array_agg(NULL::uuid),
    array_agg((CASE kind
      WHEN 'conflict' THEN json_build_object('address', host(address), 'vlan', vlan, 'mac', mac, 'owner', owner, 'sighting', detail)
      WHEN 'foreign' THEN json_build_object('address', host(address), 'instance', owner, 'mac', mac)
      WHEN 'missing' THEN json_build_object('address', host(address), 'owner', owner)
      ELSE json_build_object('address', host(address), 'owner', owner,
        'changed', json_build_object('host', json_build_array(bound_name, host_name))) END)::text))::text AS done
  FROM news HAVING count(*) > 0
)
SELECT n.kind, count(*) AS fresh FROM news n LEFT JOIN told ON told.done IS NOT NULL GROUP BY n.kind
