-- name: acquire
-- columns: owner uuid, nic int4, address inet, subnet uuid, generation int8, fresh bool
-- $1 owner, $2 nic, $3 family, $4 candidate (NULL: only look), $5 its VRF, $6 its subnet, $7 its MAC, $8 operation, $9 actor,
-- $10 seconds of lease, $11 seconds for which an address cools at least, $12 the asker's epoch, $13 whether the commit need not wait
-- for the disk (docs/adr/0044).
-- A known owner keeps what it has. A candidate that has a row is lost, unless it has cooled. A second writer who gives the
-- same owner an address in the same moment raises 23505 on address_owner: then the batch is run again. Nothing is joined to
-- `want` by address: the rows of a batch are too many for a nested loop, and the planner expects ten.
WITH fence AS MATERIALIZED (
  SELECT g.asker_epoch, CASE WHEN $13::bool THEN set_config('synchronous_commit', 'off', true) END AS commit FROM ipam.guard g FOR KEY SHARE
), want AS MATERIALIZED (
  SELECT t.*, held.address AS held_address, held.subnet AS held_subnet, held.generation AS held_generation
  FROM (SELECT
    unnest($1::uuid[]) AS owner, unnest($2::int4[]) AS nic, unnest($3::int4[]) AS family, unnest($4::inet[]) AS address,
    unnest($5::int4[]) AS vrf, unnest($6::uuid[]) AS subnet, unnest($7::macaddr[]) AS mac, unnest($8::uuid[]) AS operation_id) AS t
    LEFT JOIN LATERAL (
      SELECT a.address, a.subnet, a.generation FROM ipam.address a
      WHERE a.owner = t.owner AND a.nic = t.nic AND family(a.address) = t.family AND a.state IN ('reserved', 'bound', 'suspect')
      LIMIT 1
    ) held ON true
), taken AS (
  INSERT INTO ipam.address AS a (vrf, address, subnet, state, owner, nic, mac, lease_until, operation_id)
  SELECT w.vrf, w.address, w.subnet, 'reserved', w.owner, w.nic, w.mac, now() + $10::int8 * interval '1 second', w.operation_id
  FROM want w
  WHERE w.address IS NOT NULL AND w.held_address IS NULL AND ($12::int8 = 0 OR $12::int8 >= (SELECT f.asker_epoch FROM fence f))
  ORDER BY w.vrf, w.address
  ON CONFLICT (vrf, address) DO UPDATE
    SET state = 'reserved', subnet = excluded.subnet, owner = excluded.owner, nic = excluded.nic, host = NULL, mac = excluded.mac,
        generation = a.generation + 1, free_after = NULL, lease_until = excluded.lease_until, owner_name = '', reason = '',
        operation_id = excluded.operation_id, updated_at = clock_timestamp()
    WHERE a.state = 'cooling' AND (a.free_after <= now() OR a.updated_at <= now() - $11::int8 * interval '1 second')
  RETURNING a.vrf, a.address, a.owner, a.nic, a.mac, a.generation, a.operation_id
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, mac, generation, actor, operation_id)
  SELECT vrf, address, 'reserved', owner, mac, generation, $9::text, operation_id FROM taken
), told AS MATERIALIZED (
  SELECT ipam.tell_states(array_agg(address), array_agg(owner), array_agg('free'::text), array_agg(operation_id), 'reserved', $9::text)::text
    AS done
  FROM taken HAVING count(*) > 0
)
SELECT r.owner, r.nic, r.address, r.subnet, r.generation, r.fresh
FROM (SELECT owner, nic, held_address AS address, held_subnet AS subnet, held_generation AS generation, false AS fresh
      FROM want WHERE held_address IS NOT NULL
      UNION ALL SELECT owner, nic, address, NULL, generation, true FROM taken
      UNION ALL SELECT NULL, NULL, NULL, NULL, asker_epoch, NULL FROM fence) r
  LEFT JOIN told ON told.done IS NOT NULL
