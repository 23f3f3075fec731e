-- name: leases
-- columns: vrf int4, address inet, renewed bool, released_unix_ms int8, free_after_unix_ms int8
-- $1 how many at most, $2 seconds of lease, $3 seconds of cooling. A reservation that was not bound in time goes back only when its
-- owner is not there: without that evidence it is renewed.
WITH due AS MATERIALIZED (
  SELECT a.vrf, a.address, a.owner, a.mac, a.generation, EXISTS (SELECT FROM scheduler.address_owner_v o WHERE o.owner = a.owner) AS is_alive
  FROM ipam.address a
  WHERE a.state = 'reserved' AND a.lease_until <= now()
  ORDER BY a.lease_until LIMIT $1::int8 FOR UPDATE OF a SKIP LOCKED
), ended AS (
  UPDATE ipam.address a
  SET state = CASE WHEN due.is_alive THEN 'reserved' ELSE 'cooling' END, owner = CASE WHEN due.is_alive THEN a.owner END,
      nic = CASE WHEN due.is_alive THEN a.nic ELSE 0 END,
      lease_until = CASE WHEN due.is_alive THEN now() + $2::int8 * interval '1 second' END,
      free_after = CASE WHEN NOT due.is_alive THEN now() + $3::int8 * interval '1 second' END, updated_at = now()
  FROM due WHERE a.vrf = due.vrf AND a.address = due.address
  RETURNING a.vrf, a.address, due.owner, due.mac, a.generation, due.is_alive, a.updated_at, a.free_after
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, mac, generation, actor, reason)
  SELECT vrf, address, 'expired', owner, mac, generation, 'svc:ipam', 'not bound in time, and its owner is not there' FROM ended WHERE NOT is_alive
), told AS MATERIALIZED (
  SELECT ipam.tell_states(array_agg(address), array_agg(owner), array_agg('reserved'::text), array_agg(NULL::uuid), 'cooling', 'svc:ipam')::text
    AS done
  FROM ended WHERE NOT is_alive HAVING count(*) > 0
)
SELECT e.vrf, e.address, e.is_alive AS renewed, (extract(epoch FROM e.updated_at) * 1000)::int8 AS released_unix_ms,
  coalesce((extract(epoch FROM e.free_after) * 1000)::int8, 0) AS free_after_unix_ms
FROM ended e LEFT JOIN told ON told.done IS NOT NULL
