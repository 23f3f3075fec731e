-- Instances that are held still, and containers that are made anew of their image.
ALTER TABLE scheduler.instance ADD COLUMN rebuild_seq integer NOT NULL DEFAULT 0;
ALTER TABLE scheduler.instance DROP CONSTRAINT instance_state_check;
ALTER TABLE scheduler.instance ADD CONSTRAINT instance_state_check CHECK (state IN (
  'requested', 'placed', 'creating', 'starting', 'running', 'stopping', 'stopped', 'retiring', 'retired', 'failed', 'moving', 'frozen'));
ALTER TABLE scheduler.instance DROP CONSTRAINT instance_desired_check;
ALTER TABLE scheduler.instance ADD CONSTRAINT instance_desired_check CHECK (desired IN ('running', 'stopped', 'retired', 'frozen'));
