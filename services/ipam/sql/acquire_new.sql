-- name: acquire_new
-- columns: given int8, generation int8, fence int8
-- $1 owner, $2 nic, $3 address, $4 its VRF, $5 its subnet, $6 its MAC, $7 operation, $8 actor, $9 seconds of lease, $10 the asker's
-- epoch: nothing is given when it is before the fence; 0 is never. $11: the commit need not wait for the disk (docs/adr/0044).
-- Only for owners that are believed to hold nothing and addresses that are believed to have no row: where that is wrong a key
-- raises 23505, nothing is written, and `acquire` finds out what is so.
WITH fence AS MATERIALIZED (
  SELECT g.asker_epoch, CASE WHEN $11::bool THEN set_config('synchronous_commit', 'off', true) END AS commit FROM ipam.guard g FOR KEY SHARE
), want AS MATERIALIZED (
  SELECT * FROM unnest($1::uuid[], $2::int4[], $3::inet[], $4::int4[], $5::uuid[], $6::macaddr[], $7::uuid[])
      WITH ORDINALITY AS t(owner, nic, address, vrf, subnet, mac, operation_id, n)
  WHERE $10::int8 = 0 OR $10::int8 >= (SELECT f.asker_epoch FROM fence f)
), taken AS (
  INSERT INTO ipam.address (vrf, address, subnet, state, owner, nic, mac, generation, lease_until, operation_id)
  SELECT vrf, address, subnet, 'reserved', owner, nic, mac, 1, now() + $9::int8 * interval '1 second', operation_id
  FROM want ORDER BY vrf, address
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, mac, generation, actor, operation_id)
  SELECT vrf, address, 'reserved', owner, mac, 1, $8::text, operation_id FROM want
), told AS MATERIALIZED (
  SELECT sum(items) AS given, ipam.tell_state_lists(array_agg(subject), array_agg(list), array_agg('free'::text),
      array_agg(operation_id), 'reserved', $8::text)::text AS done
  FROM (SELECT operation_id, count(*) AS items, CASE WHEN count(*) = 1 THEN host(min(address)) ELSE '' END AS subject,
          string_agg(ipam.state_item(address, owner), ',') AS list
        FROM want GROUP BY operation_id, (n - 1) / 16) t
  HAVING count(*) > 0
)
SELECT coalesce(told.given, 0)::int8 AS given, 1::int8 AS generation, f.asker_epoch AS fence FROM fence f LEFT JOIN told ON true
