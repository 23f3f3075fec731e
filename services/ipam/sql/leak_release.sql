-- name: leak_release
-- columns: none
-- Takes the brake off. What it held may go, when the evidence still says so; what came since counts anew.
WITH off AS (
  UPDATE ipam.guard SET brake_since = NULL, brake_candidates = 0, brake_reason = '' WHERE brake_since IS NOT NULL RETURNING 1
)
UPDATE ipam.leak SET released_at = clock_timestamp(), braked_at = NULL WHERE braked_at IS NOT NULL AND EXISTS (SELECT FROM off)
