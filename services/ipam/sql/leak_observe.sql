-- name: leak_observe
-- columns: none
-- $1 vrf, $2 address, $3 generation of what was seen now. What is no leak any more is forgotten: its owner lives, or its row changed.
WITH seen AS (
  SELECT * FROM unnest($1::int4[], $2::inet[], $3::int8[]) AS t(vrf, address, generation)
), forgotten AS (
  DELETE FROM ipam.leak l
  WHERE NOT EXISTS (SELECT FROM ipam.address a WHERE a.vrf = l.vrf AND a.address = l.address AND a.generation = l.generation
    AND a.state IN ('reserved', 'bound') AND NOT EXISTS (SELECT FROM scheduler.address_owner_v o WHERE o.owner = a.owner))
    AND (l.vrf, l.address) NOT IN (SELECT seen.vrf, seen.address FROM seen)
)
INSERT INTO ipam.leak AS l (vrf, address, generation) SELECT vrf, address, generation FROM seen ORDER BY vrf, address
ON CONFLICT (vrf, address) DO UPDATE
  SET observations = CASE WHEN l.generation = excluded.generation THEN l.observations + 1 ELSE 1 END,
      first_at = CASE WHEN l.generation = excluded.generation THEN l.first_at ELSE clock_timestamp() END,
      silent_at = CASE WHEN l.generation = excluded.generation THEN l.silent_at END,
      seen_at = CASE WHEN l.generation = excluded.generation THEN l.seen_at END,
      braked_at = CASE WHEN l.generation = excluded.generation THEN l.braked_at END,
      released_at = CASE WHEN l.generation = excluded.generation THEN l.released_at END,
      generation = excluded.generation, last_at = clock_timestamp()
