-- name: subnet_clear
-- columns: none
-- $1 subnet, $2 actor. What does not keep a subnet from being deleted: notes of the operator, and what has cooled.
WITH gone AS (
  DELETE FROM ipam.address WHERE subnet = $1::uuid AND (state = 'excluded' OR (state = 'cooling' AND free_after <= now()))
  RETURNING vrf, address, state, mac, generation
)
INSERT INTO ipam.address_event (vrf, address, event, mac, generation, actor, reason)
SELECT vrf, address, 'freed', mac, generation, $2::text, 'its subnet was deleted' FROM gone WHERE state = 'excluded'
