-- Addresses are asked for before the rows of their owners are committed (docs/adr/0013), and requests can come late. What was asked in an
-- earlier epoch than this one gets nothing (docs/adr/0019). Who gives addresses out holds KEY SHARE on the row from its look at the epoch
-- to its commit; who raises the epoch takes the row FOR UPDATE first, and then sees all that was given out before.
ALTER TABLE ipam.guard ADD COLUMN asker_epoch bigint NOT NULL DEFAULT 0;
