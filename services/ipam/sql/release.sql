-- name: release
-- columns: owner uuid, nic int4, address inet, subnet uuid, before text, released_unix_ms int8, free_after_unix_ms int8
-- $1 owner, $2 nic, $3 address, $4 generation, $5 operation, $6 actor, $7 seconds of cooling. What an instance of the VRF of
-- another holding has under the same address is another row: the owner decides which one is meant.
WITH old AS MATERIALIZED (
  SELECT a.vrf, a.address, a.state, a.owner, a.host, a.nic, r.operation_id, r.n
  FROM (SELECT
    unnest($1::uuid[]) AS owner, unnest($2::int4[]) AS nic, unnest($3::inet[]) AS address, unnest($4::int8[]) AS generation,
    unnest($5::uuid[]) AS operation_id, generate_series(1, cardinality($1::uuid[])) AS n) AS r
    CROSS JOIN LATERAL (
      SELECT a.vrf, a.address, a.state, a.owner, a.host, a.nic FROM ipam.address a
      WHERE a.owner = r.owner AND a.nic = r.nic AND family(a.address) = family(r.address) AND a.address = r.address
        AND a.generation = r.generation AND a.state IN ('reserved', 'bound', 'suspect')
      LIMIT 1 FOR UPDATE
    ) a
), gone AS (
  UPDATE ipam.address a
  SET state = 'cooling', owner = NULL, nic = 0, host = NULL, lease_until = NULL, free_after = now() + $7::int8 * interval '1 second',
      reason = '', operation_id = old.operation_id, updated_at = now()
  FROM old WHERE a.vrf = old.vrf AND a.address = old.address
  RETURNING a.vrf, a.address, a.subnet, old.state, old.owner, old.nic, old.host, a.mac, a.generation, old.operation_id, old.n
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, operation_id)
  SELECT vrf, address, 'released', owner, host, mac, generation, $6::text, operation_id FROM gone
), told AS MATERIALIZED (
  SELECT ipam.tell_state_lists(array_agg(subject), array_agg(list), array_agg(state), array_agg(operation_id), 'cooling', $6::text)::text AS done
  FROM (SELECT operation_id, state, CASE WHEN count(*) = 1 THEN host(min(address)) ELSE '' END AS subject,
          string_agg(ipam.state_item(address, owner), ',') AS list
        FROM gone GROUP BY operation_id, state, (n - 1) / 16) t
  HAVING count(*) > 0
)
SELECT g.owner, g.nic, g.address, g.subnet, g.state AS before, (date_part('epoch', now()) * 1000)::int8 AS released_unix_ms,
  (date_part('epoch', now() + $7::int8 * interval '1 second') * 1000)::int8 AS free_after_unix_ms
FROM gone g LEFT JOIN told ON told.done IS NOT NULL
