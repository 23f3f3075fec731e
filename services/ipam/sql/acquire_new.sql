-- name: acquire_new
-- columns: given int8, generation int8, fence int8
-- $1 owner, $2 nic, $3 address, $4 its VRF, $5 its subnet, $6 its MAC, $7 operation, $8 actor, $9 seconds of lease, $10 the asker's
-- epoch: nothing is given when it is before the fence; 0 is never. $11: the commit need not wait for the disk (docs/adr/0044).
-- $12 subject, $13 operation, $14 data of the events that tell of it.
-- Only for owners that are believed to hold nothing and addresses that are believed to have no row: where that is wrong a key
-- raises 23505, nothing is written, and `acquire` finds out what is so.
WITH fence AS MATERIALIZED (
  SELECT g.asker_epoch, CASE WHEN $11::bool THEN set_config('synchronous_commit', 'off', true) END AS commit FROM ipam.guard g FOR KEY SHARE
), want AS MATERIALIZED (
  SELECT * FROM (SELECT
    unnest($1::uuid[]) AS owner, unnest($2::int4[]) AS nic, unnest($3::inet[]) AS address, unnest($4::int4[]) AS vrf,
    unnest($5::uuid[]) AS subnet, unnest($6::macaddr[]) AS mac, unnest($7::uuid[]) AS operation_id) AS t
  WHERE $10::int8 = 0 OR $10::int8 >= (SELECT f.asker_epoch FROM fence f)
), taken AS (
  INSERT INTO ipam.address (vrf, address, subnet, state, owner, nic, mac, generation, lease_until, operation_id)
  SELECT vrf, address, subnet, 'reserved', owner, nic, mac, 1, now() + $9::int8 * interval '1 second', operation_id
  FROM want ORDER BY vrf, address
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, mac, generation, actor, operation_id)
  SELECT vrf, address, 'reserved', owner, mac, 1, $8::text, operation_id FROM want
), given AS MATERIALIZED (
  SELECT count(*) AS items FROM want
), told AS MATERIALIZED (
  SELECT core.emit(array_fill('address.state'::text, t.n), $12::text[], array_fill(''::text, t.n), array_fill(''::text, t.n),
      array_fill($8::text, t.n), $13::uuid[], $14::text[])::text AS done
  FROM (SELECT ARRAY[cardinality($12::text[])] AS n) t WHERE (SELECT items FROM given) > 0
)
SELECT g.items AS given, 1::int8 AS generation, f.asker_epoch AS fence
FROM fence f CROSS JOIN given g LEFT JOIN told ON told.done IS NOT NULL
