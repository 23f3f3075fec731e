-- The last guard of the placement rules: what a batch places is counted again, from the rows, before it is committed. A bug in
-- the scheduler's memory gives a refused batch and an alarm, not a broken rule.
ALTER TABLE scheduler.app ADD COLUMN guarded boolean NOT NULL GENERATED ALWAYS AS (
  placement->>'exclusive' <> 'none' OR placement->'relations' @> '[{"kind": "apart"}]'
  OR (placement->'spread'->'az'->>'maxSkew')::int > 0 OR (placement->'spread'->'az'->>'maxCount')::int > 0
  OR (placement->'spread'->'rack'->>'maxSkew')::int > 0 OR (placement->'spread'->'rack'->>'maxCount')::int > 0
  OR (placement->'spread'->'host'->>'maxSkew')::int > 0 OR (placement->'spread'->'host'->>'maxCount')::int > 0) STORED;
CREATE INDEX app_guarded ON scheduler.app (id) WHERE guarded;
CREATE INDEX instance_moving_to ON scheduler.instance (moving_to) WHERE moving_to IS NOT NULL;

-- Where instances stand: on their host, and on the one that they move to. `staying` counts for spread; one that moves counts
-- for rules where it goes.
CREATE VIEW scheduler.standing_v AS
  SELECT i.id, i.app_id, h.id AS host_id, h.az, h.rack, i.desired <> 'retired' AND i.moving_to IS NULL AS staying,
         i.moving_to IS NOT NULL AS moves
  FROM scheduler.instance i JOIN scheduler.host h ON h.id = i.host_id WHERE i.state <> 'retired'
  UNION ALL
  SELECT i.id, i.app_id, h.id, h.az, h.rack, i.desired <> 'retired', false
  FROM scheduler.instance i JOIN scheduler.host h ON h.id = i.moving_to WHERE i.moving_to IS NOT NULL AND i.state <> 'retired';
GRANT SELECT ON scheduler.standing_v TO sot_scheduler;

CREATE FUNCTION scheduler.refuse_placement(p_what text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a placement rule would be broken: %', p_what USING ERRCODE = '23514', CONSTRAINT = 'placement_rules';
END $$;

-- The instances that a batch has placed, with the most of their app that memory allowed in the zone, the rack and on the host
-- (2147483647: no rule). Looks only at domains that the batch has filled: what was broken before by a change of rules stays.
CREATE FUNCTION scheduler.check_placements(p_instance uuid[], p_az integer[], p_rack integer[], p_host integer[])
RETURNS void LANGUAGE plpgsql AS $$
DECLARE broken text;
BEGIN
  IF NOT EXISTS (SELECT 1 FROM scheduler.app WHERE guarded) THEN
    RETURN;
  END IF;
  -- Spread: counted, against what memory said and against the rule's own count.
  WITH placed AS (
    SELECT i.app_id, h.id AS host_id, h.az, h.rack, t.az_most, t.rack_most, t.host_most, a.placement->'spread' AS spread
    FROM unnest(p_instance, p_az, p_rack, p_host) AS t(id, az_most, rack_most, host_most)
    JOIN scheduler.instance i ON i.id = t.id AND i.state <> 'retired'
    JOIN scheduler.app a ON a.id = i.app_id AND a.guarded
    JOIN scheduler.host h ON h.id = coalesce(i.moving_to, i.host_id)),
  most AS (
    SELECT app_id, 'az' AS level, az AS a, '' AS b, NULL::uuid AS c, max(az_most) AS most, max((spread->'az'->>'maxCount')::int) AS own
    FROM placed GROUP BY app_id, az
    UNION ALL
    SELECT app_id, 'rack', az, rack, NULL, max(rack_most), max((spread->'rack'->>'maxCount')::int) FROM placed GROUP BY app_id, az, rack
    UNION ALL
    SELECT app_id, 'host', '', '', host_id, max(host_most), max((spread->'host'->>'maxCount')::int) FROM placed GROUP BY app_id, host_id),
  limits AS (
    SELECT app_id, level, a, b, c, least(most, CASE WHEN own > 0 THEN own ELSE most END) AS most
    FROM most WHERE most < 2147483647 OR own > 0),
  counted AS (
    SELECT l.app_id, l.level, l.a, l.b, l.c, l.most, count(*) AS there
    FROM limits l JOIN scheduler.standing_v s ON s.app_id = l.app_id AND s.staying
      AND CASE l.level WHEN 'az' THEN s.az = l.a WHEN 'rack' THEN s.az = l.a AND s.rack = l.b ELSE s.host_id = l.c END
    GROUP BY l.app_id, l.level, l.a, l.b, l.c, l.most)
  SELECT format('%s of app %s in one %s, at most %s', there, (SELECT name FROM scheduler.app WHERE id = app_id), level, most)
  INTO broken FROM counted WHERE there > most LIMIT 1;
  IF broken IS NOT NULL THEN
    PERFORM scheduler.refuse_placement(broken);
  END IF;
  -- Exclusive hosts: all that stands on a host shares it in the same way.
  IF EXISTS (SELECT 1 FROM scheduler.app WHERE guarded AND placement->>'exclusive' <> 'none') THEN
    SELECT format('host %s is shared with an exclusive app', (SELECT name FROM scheduler.host WHERE id = s.host_id))
    INTO broken
    FROM scheduler.standing_v s JOIN scheduler.app a ON a.id = s.app_id
    WHERE s.host_id IN (SELECT coalesce(i.moving_to, i.host_id) FROM scheduler.instance i WHERE i.id = ANY (p_instance))
    GROUP BY s.host_id
    HAVING count(DISTINCT CASE a.placement->>'exclusive' WHEN 'none' THEN '' WHEN 'app' THEN a.id::text
                          ELSE (a.placement->>'exclusive') || ' ' || coalesce(CASE WHEN a.placement->>'exclusive' = 'team' THEN a.team
                               ELSE a.placement->>'workload' END, '') END) > 1
    LIMIT 1;
    IF broken IS NOT NULL THEN
      PERFORM scheduler.refuse_placement(broken);
    END IF;
  END IF;
  -- Apps that are kept apart, in the domains where one of the two was placed.
  WITH placed AS (
    SELECT DISTINCT i.app_id, h.id AS host_id, h.az, h.rack
    FROM scheduler.instance i JOIN scheduler.host h ON h.id = coalesce(i.moving_to, i.host_id)
    WHERE i.id = ANY (p_instance) AND i.state <> 'retired'),
  rules AS (
    SELECT a.id AS a, b.id AS b, r->>'level' AS level, (r->>'count')::int AS most
    FROM scheduler.app a CROSS JOIN LATERAL jsonb_array_elements(a.placement->'relations') AS r
    JOIN scheduler.app b ON b.name = r->>'app'
    WHERE a.guarded AND r->>'kind' = 'apart'),
  domains AS (
    SELECT DISTINCT r.a, r.b, r.level, r.most, CASE WHEN r.level <> 'host' THEN p.az END AS az,
           CASE WHEN r.level = 'rack' THEN p.rack END AS rack, CASE WHEN r.level = 'host' THEN p.host_id END AS host_id
    FROM rules r JOIN placed p ON p.app_id IN (r.a, r.b)),
  counted AS (
    SELECT d.a, d.b, d.level, d.most,
           count(*) FILTER (WHERE s.app_id = d.a) AS of_a, count(*) FILTER (WHERE s.app_id = d.b) AS of_b
    FROM domains d JOIN scheduler.standing_v s ON NOT s.moves AND s.app_id IN (d.a, d.b) AND (d.az IS NULL OR s.az = d.az)
      AND (d.rack IS NULL OR s.rack = d.rack) AND (d.host_id IS NULL OR s.host_id = d.host_id)
    GROUP BY d.a, d.b, d.level, d.most, d.az, d.rack, d.host_id)
  SELECT format('%s of app %s beside app %s in one %s, at most %s', of_b, (SELECT name FROM scheduler.app WHERE id = b),
                (SELECT name FROM scheduler.app WHERE id = a), level, most)
  INTO broken FROM counted WHERE of_a > 0 AND of_b > most LIMIT 1;
  IF broken IS NOT NULL THEN
    PERFORM scheduler.refuse_placement(broken);
  END IF;
END $$;
REVOKE ALL ON FUNCTION scheduler.check_placements(uuid[], integer[], integer[], integer[]), scheduler.refuse_placement(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduler.check_placements(uuid[], integer[], integer[], integer[]), scheduler.refuse_placement(text) TO sot_scheduler;
