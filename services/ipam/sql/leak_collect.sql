-- name: leak_collect
-- columns: state text, address inet
-- $1 vrf, $2 address, $3 generation, $4 new state (cooling or suspect), $5 evidence, $6 seconds of cooling. Whether the owner is gone is
-- looked at again here; a quarantine stops it.
WITH due AS (
  SELECT
    unnest($1::int4[]) AS vrf, unnest($2::inet[]) AS address, unnest($3::int8[]) AS generation, unnest($4::text[]) AS new_state,
    unnest($5::text[]) AS evidence
), old AS (
  SELECT a.vrf, a.address, a.owner, a.host, a.mac, d.new_state, d.evidence
  FROM due d JOIN ipam.address a ON a.vrf = d.vrf AND a.address = d.address AND a.generation = d.generation
  WHERE (a.state IN ('reserved', 'bound') OR (a.state = 'suspect' AND d.new_state = 'cooling')) AND NOT EXISTS (SELECT FROM scheduler.address_owner_v o
      WHERE o.owner = a.owner AND (a.state <> 'suspect' OR a.address IN (o.address, o.address_v6)))
    AND NOT EXISTS (SELECT FROM ipam.guard g WHERE g.quarantine_since IS NOT NULL)
  ORDER BY a.vrf, a.address
  FOR UPDATE OF a
), gone AS (
  UPDATE ipam.address a
  SET state = old.new_state, owner = CASE old.new_state WHEN 'suspect' THEN a.owner END, host = CASE old.new_state WHEN 'suspect' THEN a.host END,
      lease_until = NULL, free_after = CASE old.new_state WHEN 'cooling' THEN now() + $6::int8 * interval '1 second' END,
      reason = CASE old.new_state WHEN 'suspect' THEN old.evidence ELSE '' END, updated_at = clock_timestamp()
  FROM old WHERE a.vrf = old.vrf AND a.address = old.address
  RETURNING a.vrf, a.address, a.subnet, a.generation, old.owner, old.host, old.mac, old.new_state, old.evidence
), forgotten AS (
  DELETE FROM ipam.leak l USING gone g WHERE l.vrf = g.vrf AND l.address = g.address
), history AS (
  INSERT INTO ipam.address_event (vrf, address, event, owner, host, mac, generation, actor, reason)
  SELECT vrf, address, CASE new_state WHEN 'cooling' THEN 'leaked' ELSE 'suspect' END, owner, host, mac, generation, 'svc:ipam', evidence FROM gone
), told AS MATERIALIZED (
  SELECT core.emit(array_agg('address.leak'::text), array_agg(host(g.address)), array_agg(''::text), array_agg(coalesce(h.name, '')),
    array_agg('svc:ipam'::text), array_agg(NULL::uuid),
    array_agg(json_build_object('address', host(g.address), 'vlan', v.name, 'owner', g.owner, 'state', g.new_state,
      'evidence', g.evidence)::text))::text AS done
  FROM gone g JOIN ipam.subnet s ON s.id = g.subnet JOIN ipam.vlan v ON v.id = s.vlan LEFT JOIN scheduler.host_place_v h ON h.id = g.host
  HAVING count(*) > 0
)
SELECT g.new_state AS state, g.address FROM gone g LEFT JOIN told ON told.done IS NOT NULL
