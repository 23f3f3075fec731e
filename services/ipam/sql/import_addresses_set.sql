-- name: import_addresses_set
-- columns: none
-- $1 subnet, $2 address, $3 state, $4 owner's name, $5 MAC, $6 reason, $7 actor. All of them, or 40001: somebody took one meanwhile.
WITH line AS (
  SELECT
    unnest($1::uuid[]) AS subnet, unnest($2::inet[]) AS address, unnest($3::text[]) AS state, unnest($4::text[]) AS owner_name,
    unnest($5::macaddr[]) AS mac, unnest($6::text[]) AS reason
), kept AS (
  INSERT INTO ipam.address AS a (vrf, address, subnet, state, owner_name, mac, reason)
  SELECT s.vrf, l.address, s.id, l.state, l.owner_name, l.mac, l.reason
  FROM line l JOIN ipam.subnet s ON s.id = l.subnet
  ORDER BY s.vrf, l.address
  ON CONFLICT (vrf, address) DO UPDATE
    SET state = excluded.state, subnet = excluded.subnet, owner = NULL, nic = 0, host = NULL, owner_name = excluded.owner_name,
        mac = excluded.mac, reason = excluded.reason, generation = a.generation + 1, free_after = NULL, lease_until = NULL,
        operation_id = NULL, updated_at = clock_timestamp()
    WHERE a.state IN ('static', 'excluded') OR (a.state = 'cooling' AND a.free_after <= now())
  RETURNING a.vrf, a.address, a.state, a.mac, a.generation, a.reason
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, mac, generation, actor, reason)
  SELECT vrf, address, state, mac, generation, $7::text, reason FROM kept
)
SELECT ipam.expect((SELECT count(*) FROM kept) = (SELECT count(*) FROM line))
