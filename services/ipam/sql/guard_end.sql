-- name: guard_end
-- columns: none
-- Ends the quarantine by an operator's word.
UPDATE ipam.guard SET quarantine_since = NULL, quarantine_reason = '' WHERE quarantine_since IS NOT NULL
