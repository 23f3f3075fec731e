-- name: bind
-- columns: owner uuid, nic int4, address inet, subnet uuid, before text
-- $1 owner, $2 nic, $3 address, $4 generation, $5 host, $6 operation, $7 actor. Bound to the same host again: nothing is
-- written, but it counts as done. What was suspect is not any longer: its holder uses it.
WITH old AS MATERIALIZED (
  SELECT a.vrf, a.address, a.subnet, a.state, a.owner, a.nic, a.host, r.host AS new_host, r.operation_id, r.n
  FROM (SELECT
    unnest($1::uuid[]) AS owner, unnest($2::int4[]) AS nic, unnest($3::inet[]) AS address, unnest($4::int8[]) AS generation,
    unnest($5::uuid[]) AS host, unnest($6::uuid[]) AS operation_id, generate_series(1, cardinality($1::uuid[])) AS n) AS r
    CROSS JOIN LATERAL (
      SELECT a.vrf, a.address, a.subnet, a.state, a.owner, a.nic, a.host FROM ipam.address a
      WHERE a.owner = r.owner AND a.nic = r.nic AND family(a.address) = family(r.address) AND a.address = r.address
        AND a.generation = r.generation AND a.state IN ('reserved', 'bound', 'suspect')
      LIMIT 1 FOR UPDATE
    ) a
), bound AS (
  UPDATE ipam.address a
  SET state = 'bound', host = old.new_host, lease_until = NULL, reason = '', operation_id = old.operation_id, updated_at = clock_timestamp()
  FROM old
  WHERE a.vrf = old.vrf AND a.address = old.address AND (old.state <> 'bound' OR old.host IS DISTINCT FROM old.new_host)
  RETURNING a.vrf, a.address, old.state, a.owner, a.host, a.mac, a.generation, old.operation_id, old.n
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, operation_id)
  SELECT vrf, address, 'bound', owner, host, mac, generation, $7::text, operation_id FROM bound
), told AS MATERIALIZED (
  SELECT ipam.tell_state_lists(array_agg(subject), array_agg(list), array_agg(state), array_agg(operation_id), 'bound', $7::text)::text AS done
  FROM (SELECT operation_id, state, CASE WHEN count(*) = 1 THEN host(min(address)) ELSE '' END AS subject,
          string_agg(ipam.state_item(address, owner), ',') AS list
        FROM bound GROUP BY operation_id, state, (n - 1) / 16) t
  HAVING count(*) > 0
)
SELECT o.owner, o.nic, o.address, o.subnet, o.state AS before FROM old o LEFT JOIN told ON told.done IS NOT NULL
