-- name: fence_lock
-- columns: asker_epoch int8, quarantined bool
-- Waits until all that were asked before have their addresses, or not.
SELECT g.asker_epoch, g.quarantine_since IS NOT NULL AS quarantined FROM ipam.guard g FOR UPDATE
