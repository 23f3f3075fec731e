-- name: bind
-- columns: slot int8, address inet
-- $1 slot, $2 owner, $3 nic, $4 generation, $5 host, $6 actor, $7 operation. Bound to the same host again: nothing is written,
-- but it counts as done.
WITH ref AS (
  SELECT * FROM unnest($1::int8[], $2::uuid[], $3::int4[], $4::int8[], $5::uuid[], $6::text[], $7::uuid[])
    AS t(slot, owner, nic, generation, host, actor, operation_id)
), old AS (
  SELECT r.slot, r.host AS new_host, r.actor, r.operation_id AS by_operation, a.vrf, a.address, a.state, a.host
  FROM ref r JOIN ipam.address a ON a.owner = r.owner AND a.nic = r.nic AND a.generation = r.generation
  WHERE a.state IN ('reserved', 'bound')
  ORDER BY a.address
  FOR UPDATE OF a
), bound AS (
  UPDATE ipam.address a
  SET state = 'bound', host = old.new_host, operation_id = old.by_operation, updated_at = clock_timestamp()
  FROM old
  WHERE a.vrf = old.vrf AND a.address = old.address AND (old.state <> 'bound' OR old.host IS DISTINCT FROM old.new_host)
  RETURNING old.actor, old.by_operation, old.state, a.address, a.owner, a.host, a.mac, a.generation
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, operation_id)
  SELECT 0, address, 'bound', owner, host, mac, generation, actor, by_operation FROM bound
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.state'::text), array_agg(host(address)), array_agg(''::text), array_agg(''::text),
    array_agg(actor), array_agg(by_operation),
    array_agg(json_build_object('address', host(address), 'owner', owner,
      'changed', json_build_object('state', json_build_array(state, 'bound')))::text))::text AS done
  FROM bound HAVING count(*) > 0
)
SELECT o.slot, o.address FROM old o LEFT JOIN told ON told.done IS NOT NULL
