-- name: address_let_go
-- columns: none
-- $1 VRF by name, $2 address, $3 the state that was seen, $4 actor, $5 reason. A row that an instance may have held stays, as
-- cooled: its generation goes on, so that a late release cannot mean the next holding.
WITH row AS (
  SELECT a.vrf, a.address, a.owner, a.host, a.mac, a.generation, a.generation = 1 AND a.state IN ('static', 'excluded') AS is_new
  FROM ipam.address a JOIN ipam.vrf r ON r.number = a.vrf
  WHERE r.name = $1::text AND a.address = $2::inet AND a.state = $3::text
    AND a.state IN ('static', 'excluded', 'conflict', 'suspect', 'cooling')
  FOR UPDATE OF a
), forgotten AS (
  DELETE FROM ipam.address a USING row WHERE a.vrf = row.vrf AND a.address = row.address AND row.is_new
), cooled AS (
  UPDATE ipam.address a
  SET state = 'cooling', owner = NULL, nic = 0, host = NULL, owner_name = '', mac = NULL, free_after = now(), lease_until = NULL,
      reason = '', operation_id = NULL, updated_at = clock_timestamp()
  FROM row WHERE a.vrf = row.vrf AND a.address = row.address AND NOT row.is_new
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, reason)
  SELECT vrf, address, 'freed', owner, host, mac, generation, $4::text, $5::text FROM row
)
SELECT ipam.expect(EXISTS (SELECT FROM row))
