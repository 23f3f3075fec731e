-- The expression of a generated column is read from its text by each statement that inserts a row: 11 kB for this one, a third of all text that
-- a batch reads in this way (docs/adr/0062). That of a function is read once a session; PL/pgSQL's is not taken apart by the planner.
-- It names built-in operators only, so it needs no search path of its own, which each call would pay for.
CREATE FUNCTION scheduler.is_guarded(placement jsonb) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT AS $$
BEGIN
  RETURN placement <> '{"workload": "service", "priority": 0, "preemptable": false, "maxUnavailable": 1, "exclusive": "none",
      "spread": {"az": {"prefer": true, "maxSkew": 0, "maxCount": 0}, "rack": {"prefer": true, "maxSkew": 0, "maxCount": 0},
                 "host": {"prefer": true, "maxSkew": 0, "maxCount": 0}},
      "tags": {"required": [], "forbidden": [], "preferred": [], "tolerated": []}, "zones": [], "relations": []}'::jsonb
    AND (
      placement->>'exclusive' <> 'none' OR placement->'relations' @> '[{"kind": "apart"}]'::jsonb
      OR (placement->'spread'->'az'->>'maxSkew')::int > 0 OR (placement->'spread'->'az'->>'maxCount')::int > 0
      OR (placement->'spread'->'rack'->>'maxSkew')::int > 0 OR (placement->'spread'->'rack'->>'maxCount')::int > 0
      OR (placement->'spread'->'host'->>'maxSkew')::int > 0 OR (placement->'spread'->'host'->>'maxCount')::int > 0);
END $$;
ALTER TABLE scheduler.app DROP COLUMN guarded;
ALTER TABLE scheduler.app ADD COLUMN guarded boolean NOT NULL GENERATED ALWAYS AS (scheduler.is_guarded(placement)) STORED;
CREATE INDEX app_guarded ON scheduler.app (id) WHERE guarded;
