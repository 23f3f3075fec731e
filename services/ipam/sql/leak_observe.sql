-- name: leak_observe
-- columns: none
-- $1 vrf, $2 address, $3 generation of what was seen now, $4 whether its observation begins anew. What is no leak any
-- more is forgotten: its owner lives, or its row changed.
WITH seen AS (
  SELECT
    unnest($1::int4[]) AS vrf, unnest($2::inet[]) AS address, unnest($3::int8[]) AS generation, unnest($4::bool[]) AS anew
), forgotten AS (
  DELETE FROM ipam.leak l
  WHERE NOT EXISTS (SELECT FROM ipam.address a WHERE a.vrf = l.vrf AND a.address = l.address AND a.generation = l.generation
    AND a.state IN ('reserved', 'bound', 'suspect') AND NOT EXISTS (SELECT FROM scheduler.address_owner_v o
      WHERE o.owner = a.owner AND (a.state <> 'suspect' OR a.address IN (o.address, o.address_v6))))
    AND (l.vrf, l.address) NOT IN (SELECT seen.vrf, seen.address FROM seen)
), begun AS (
  UPDATE ipam.leak l
  SET generation = s.generation, observations = 1, first_at = clock_timestamp(), last_at = clock_timestamp(), silent_at = NULL, seen_at = NULL,
      braked_at = NULL, released_at = NULL, evidence = CASE WHEN l.generation = s.generation THEN l.evidence ELSE '' END
  FROM seen s WHERE l.vrf = s.vrf AND l.address = s.address AND (s.anew OR l.generation <> s.generation)
  RETURNING l.vrf, l.address
)
INSERT INTO ipam.leak AS l (vrf, address, generation) SELECT vrf, address, generation FROM seen
WHERE (vrf, address) NOT IN (SELECT begun.vrf, begun.address FROM begun) ORDER BY vrf, address
ON CONFLICT (vrf, address) DO UPDATE SET observations = l.observations + 1, last_at = clock_timestamp()
