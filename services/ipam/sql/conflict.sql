-- name: conflict
-- columns: owner uuid, nic int4, address inet, subnet uuid, before text
-- $1 owner, $2 nic, $3 address, $4 generation, $5 host that saw it, $6 MAC that answered, $7 operation, $8 actor. The holder loses
-- the address; nobody gets it before an operator frees it.
WITH old AS MATERIALIZED (
  SELECT a.vrf, a.address, a.state, a.owner, a.nic, r.host, r.mac, r.operation_id
  FROM (SELECT
    unnest($1::uuid[]) AS owner, unnest($2::int4[]) AS nic, unnest($3::inet[]) AS address, unnest($4::int8[]) AS generation,
    unnest($5::uuid[]) AS host, unnest($6::macaddr[]) AS mac, unnest($7::uuid[]) AS operation_id) AS r
    CROSS JOIN LATERAL (
      SELECT a.vrf, a.address, a.state, a.owner, a.nic FROM ipam.address a
      WHERE a.owner = r.owner AND a.nic = r.nic AND family(a.address) = family(r.address) AND a.address = r.address
        AND a.generation = r.generation AND a.state IN ('reserved', 'bound', 'suspect')
      LIMIT 1 FOR UPDATE
    ) a
), lost AS (
  UPDATE ipam.address a
  SET state = 'conflict', owner = NULL, nic = 0, host = old.host, mac = old.mac, lease_until = NULL,
      reason = 'answered by ' || old.mac || ' before it was bound', operation_id = old.operation_id, updated_at = clock_timestamp()
  FROM old WHERE a.vrf = old.vrf AND a.address = old.address
  RETURNING a.vrf, a.address, a.subnet, old.state, old.owner, old.nic, a.host, a.mac, a.generation, old.operation_id, a.reason
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, operation_id, reason)
  SELECT vrf, address, 'conflict', owner, host, mac, generation, $8::text, operation_id, reason FROM lost
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.conflict'::text), array_agg(host(l.address)), array_agg(''::text), array_agg(coalesce(h.name, '')),
    array_agg($8::text), array_agg(l.operation_id), array_agg(json_build_object('address', host(l.address), 'vlan', v.name, 'mac', l.mac,
      'owner', l.owner, 'sighting', 'probe')::text))::text AS done
  FROM lost l JOIN ipam.subnet s ON s.id = l.subnet JOIN ipam.vlan v ON v.id = s.vlan LEFT JOIN scheduler.host_place_v h ON h.id = l.host
  HAVING count(*) > 0
), state_told AS MATERIALIZED (
  SELECT ipam.tell_states(array_agg(address), array_agg(owner), array_agg(state), array_agg(operation_id), 'conflict', $8::text)::text AS done
  FROM lost HAVING count(*) > 0
)
SELECT l.owner, l.nic, l.address, l.subnet, l.state AS before
FROM lost l LEFT JOIN told ON told.done IS NOT NULL LEFT JOIN state_told ON state_told.done IS NOT NULL
