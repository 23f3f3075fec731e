-- name: fence_raise
-- columns: vrf int4, address inet, released_unix_ms int8, free_after_unix_ms int8
-- $1 the new epoch, $2 seconds of cooling. After fence_lock, in its transaction. Reservations whose owner no row tells of go back: who
-- asked for them leads no more, so nobody will ever tell. Not for the epoch that the fence is at already: its leader asks for such owners.
WITH raised AS (
  UPDATE ipam.guard SET asker_epoch = $1::int8 WHERE asker_epoch < $1::int8 AND quarantine_since IS NULL RETURNING asker_epoch
), due AS MATERIALIZED (
  SELECT a.vrf, a.address, a.owner, a.mac, a.generation, a.operation_id FROM ipam.address a
  WHERE a.state = 'reserved' AND NOT EXISTS (SELECT FROM scheduler.address_owner_v o WHERE o.owner = a.owner)
    AND EXISTS (SELECT FROM raised)
  ORDER BY a.vrf, a.address FOR UPDATE OF a
), gone AS (
  UPDATE ipam.address a
  SET state = 'cooling', owner = NULL, nic = 0, lease_until = NULL, free_after = now() + $2::int8 * interval '1 second', updated_at = now()
  FROM due WHERE a.vrf = due.vrf AND a.address = due.address
  RETURNING a.vrf, a.address, due.owner, due.mac, a.generation, due.operation_id, a.updated_at, a.free_after
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, mac, generation, actor, operation_id, reason)
  SELECT vrf, address, 'expired', owner, mac, generation, 'svc:ipam', operation_id, 'its leader never told of its owner' FROM gone
), told AS MATERIALIZED (
  SELECT ipam.tell_states(array_agg(address), array_agg(owner), array_agg('reserved'::text), array_agg(operation_id), 'cooling', 'svc:ipam')::text
    AS done
  FROM gone HAVING count(*) > 0
)
SELECT g.vrf, g.address, (extract(epoch FROM g.updated_at) * 1000)::int8 AS released_unix_ms,
  (extract(epoch FROM g.free_after) * 1000)::int8 AS free_after_unix_ms
FROM gone g LEFT JOIN told ON told.done IS NOT NULL
