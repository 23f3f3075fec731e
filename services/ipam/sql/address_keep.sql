-- name: address_keep
-- columns: none
-- $1 subnet, $2 address, $3 state, $4 owner's name, $5 MAC, $6 reason, $7 actor. Only what is free, or has cooled, is taken.
WITH kept AS (
  INSERT INTO ipam.address AS a (vrf, address, subnet, state, owner_name, mac, reason)
  SELECT s.vrf, $2::inet, s.id, $3::text, $4::text, $5::macaddr, $6::text FROM ipam.subnet s WHERE s.id = $1::uuid
  ON CONFLICT (vrf, address) DO UPDATE
    SET state = excluded.state, subnet = excluded.subnet, owner = NULL, nic = 0, host = NULL, owner_name = excluded.owner_name,
        mac = excluded.mac, reason = excluded.reason, generation = a.generation + 1, free_after = NULL, lease_until = NULL,
        operation_id = NULL, updated_at = clock_timestamp()
    WHERE a.state = 'cooling' AND a.free_after <= now()
  RETURNING a.vrf, a.address, a.state, a.mac, a.generation, a.reason
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, mac, generation, actor, reason)
  SELECT vrf, address, state, mac, generation, $7::text, reason FROM kept
)
SELECT ipam.expect(EXISTS (SELECT FROM kept))
