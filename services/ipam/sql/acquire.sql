-- name: acquire
-- columns: slot int8, address inet, subnet uuid, generation int8, fresh bool
-- $1 slot, $2 owner, $3 nic, $4 candidate (NULL: only look), $5 its subnet, $6 actor, $7 operation.
-- A known owner keeps what it has. A candidate that has a row is lost, unless it has cooled. A second writer who gives the
-- same owner an address in the same moment raises 23505 on address_owner: then the batch is run again.
WITH want AS (
  SELECT * FROM unnest($1::int8[], $2::uuid[], $3::int4[], $4::inet[], $5::uuid[], $6::text[], $7::uuid[])
    AS t(slot, owner, nic, address, subnet, actor, operation_id)
), held AS (
  SELECT w.slot, a.address, a.subnet, a.generation
  FROM want w JOIN ipam.address a ON a.owner = w.owner AND a.nic = w.nic AND family(a.address) = 4
  WHERE a.state IN ('reserved', 'bound', 'static', 'suspect')
), taken AS (
  INSERT INTO ipam.address AS a (vrf, address, subnet, state, owner, nic, mac, operation_id)
  SELECT 0, w.address, w.subnet, 'reserved', w.owner, w.nic,
    ('02:0a:' || regexp_replace(lpad(to_hex(w.address - '0.0.0.0'::inet), 8, '0'), '(..)(..)(..)(..)', '\1:\2:\3:\4'))::macaddr,
    w.operation_id
  FROM want w
  WHERE w.address IS NOT NULL AND NOT EXISTS (SELECT FROM held h WHERE h.slot = w.slot)
  ORDER BY w.address
  ON CONFLICT (vrf, address) DO UPDATE
    SET state = 'reserved', subnet = excluded.subnet, owner = excluded.owner, nic = excluded.nic, host = NULL, mac = excluded.mac,
        generation = a.generation + 1, free_after = NULL, reason = '', operation_id = excluded.operation_id,
        updated_at = clock_timestamp()
    WHERE a.state = 'cooling' AND a.free_after <= now()
  RETURNING a.address, a.subnet, a.owner, a.mac, a.generation, a.operation_id
), named AS (
  SELECT w.slot, w.actor, t.* FROM taken t JOIN want w ON w.address = t.address
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, mac, generation, actor, operation_id)
  SELECT 0, address, 'reserved', owner, mac, generation, actor, operation_id FROM named
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.state'::text), array_agg(host(address)), array_agg(''::text), array_agg(''::text),
    array_agg(actor), array_agg(operation_id),
    array_agg('{"address":"' || host(address) || '","owner":"' || owner || '","changed":{"state":["free","reserved"]}}'))::text AS done
  FROM named HAVING count(*) > 0
)
SELECT r.slot, r.address, r.subnet, r.generation, r.fresh
FROM (SELECT slot, address, subnet, generation, false AS fresh FROM held
      UNION ALL SELECT slot, address, subnet, generation, true FROM named) r
  LEFT JOIN told ON told.done IS NOT NULL
