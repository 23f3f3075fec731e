-- name: release
-- columns: slot int8, address inet, free_after_unix_ms int8
-- $1 slot, $2 owner, $3 nic, $4 generation, $5 actor, $6 operation, $7 seconds of cooling.
WITH ref AS (
  SELECT * FROM unnest($1::int8[], $2::uuid[], $3::int4[], $4::int8[], $5::text[], $6::uuid[])
    AS t(slot, owner, nic, generation, actor, operation_id)
), old AS (
  SELECT r.slot, r.actor, r.operation_id AS by_operation, a.vrf, a.address, a.state, a.owner, a.host, a.mac, a.generation
  FROM ref r JOIN ipam.address a ON a.owner = r.owner AND a.nic = r.nic AND a.generation = r.generation
  WHERE a.state IN ('reserved', 'bound')
  ORDER BY a.address
  FOR UPDATE OF a
), gone AS (
  UPDATE ipam.address a
  SET state = 'cooling', owner = NULL, host = NULL, free_after = now() + $7::int8 * interval '1 second',
      operation_id = old.by_operation, updated_at = clock_timestamp()
  FROM old WHERE a.vrf = old.vrf AND a.address = old.address
  RETURNING old.slot, old.actor, old.by_operation, old.state, old.owner, old.host, a.address, a.mac, a.generation, a.free_after
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, operation_id)
  SELECT 0, address, 'released', owner, host, mac, generation, actor, by_operation FROM gone
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.state'::text), array_agg(host(address)), array_agg(''::text), array_agg(''::text),
    array_agg(actor), array_agg(by_operation),
    array_agg(json_build_object('address', host(address), 'owner', owner,
      'changed', json_build_object('state', json_build_array(state, 'cooling')))::text))::text AS done
  FROM gone HAVING count(*) > 0
)
SELECT g.slot, g.address, (extract(epoch FROM g.free_after) * 1000)::int8 AS free_after_unix_ms
FROM gone g LEFT JOIN told ON told.done IS NOT NULL
