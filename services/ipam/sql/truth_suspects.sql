-- name: truth_suspects
-- columns: vrf int4, address inet, fresh bool
-- $1 host, $2 vrf, $3 address, $4 instance, $5 mac or '', $6 unix ms at which the host was looked at. Addresses in use that nothing keeps from
-- being given out: they become `suspect`. An instance that holds an address already is not made the owner of a second one.
WITH f AS (
  SELECT DISTINCT ON (vrf, address) host, vrf, address, owner, nullif(mac, '')::macaddr AS mac, taken
  FROM (SELECT
    unnest($1::uuid[]) AS host, unnest($2::int4[]) AS vrf, unnest($3::inet[]) AS address, unnest($4::uuid[]) AS owner,
    unnest($5::text[]) AS mac, unnest($6::int8[]) AS taken) AS t
  ORDER BY vrf, address, host
), placed AS (
  SELECT f.*, s.id AS subnet, row_number() OVER (PARTITION BY f.owner, family(f.address) ORDER BY f.address) = 1
    AND NOT EXISTS (SELECT FROM ipam.address a WHERE a.owner = f.owner AND a.nic = 0 AND family(a.address) = family(f.address)
                    AND a.state IN ('reserved', 'bound', 'suspect')) AS is_owner
  FROM f JOIN ipam.subnet s ON s.vrf = f.vrf AND s.cidr >> f.address
), made AS (
  INSERT INTO ipam.address AS a (vrf, address, subnet, state, owner, host, mac, reason)
  SELECT vrf, address, subnet, 'suspect', CASE WHEN is_owner THEN owner END, host, mac, 'in use, and no row gave it' FROM placed ORDER BY vrf, address
  ON CONFLICT (vrf, address) DO UPDATE
    SET state = 'suspect', owner = excluded.owner, nic = 0, host = excluded.host, mac = excluded.mac, generation = a.generation + 1,
        free_after = NULL, reason = 'released, and still in use', updated_at = clock_timestamp()
    WHERE a.state = 'cooling' AND a.updated_at < to_timestamp((SELECT p.taken FROM placed p WHERE p.vrf = a.vrf AND p.address = a.address) / 1000.0)
  RETURNING a.vrf, a.address, a.owner, a.host, a.mac, a.generation, a.reason
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, reason)
  SELECT vrf, address, 'suspect', owner, host, mac, generation, 'svc:ipam', reason FROM made
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.state'::text), array_agg(host(address)), array_agg(''::text), array_agg(''::text),
    array_agg('svc:ipam'::text), array_agg(NULL::uuid),
    array_agg(json_build_object('address', host(address), 'owner', owner, 'reason', reason,
      'changed', json_build_object('state', json_build_array(CASE generation WHEN 1 THEN 'free' ELSE 'cooling' END, 'suspect')))::text))::text AS done
  FROM made HAVING count(*) > 0
)
SELECT m.vrf, m.address, m.generation = 1 AS fresh FROM made m LEFT JOIN told ON told.done IS NOT NULL
