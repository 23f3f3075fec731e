-- The lease and the batches of one leader do not wait for each other, and a transaction that a stopped leader left open does not hold
-- up the next one.
--
-- Locks on the leader's row: a batch holds KEY SHARE from its fence to its commit. A renewal (NO KEY UPDATE) goes beside it; a take-over
-- (FOR UPDATE) waits until every batch that passed the fence has ended. A standby only looks while the lease lasts: it would queue in
-- front of the renewal.
CREATE OR REPLACE FUNCTION core.fence(p_role text, p_epoch bigint)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE current_epoch bigint;
BEGIN
  SELECT epoch INTO current_epoch FROM core.leader WHERE role = p_role FOR KEY SHARE;
  IF current_epoch IS DISTINCT FROM p_epoch THEN
    RAISE EXCEPTION 'fenced: % holds epoch %, the current one is %', p_role, p_epoch, coalesce(current_epoch, 0)
      USING ERRCODE = 'SOT01';
  END IF;
END $$;

-- Takes or renews the lease. Returns the epoch when `p_holder` leads afterwards, else -(milliseconds that the other one's lease lasts),
-- at least -1: so a standby asks again when it can succeed. A new holder (or the same after a lapse: a new life) gets epoch + 1. p_epoch
-- is the epoch that the caller believes it holds, 0 when it holds none.
CREATE OR REPLACE FUNCTION core.lead(p_role text, p_holder text, p_epoch bigint, p_lease_ms bigint)
RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = core, pg_temp AS $$
DECLARE r core.leader;
BEGIN
  IF p_lease_ms NOT BETWEEN 500 AND 60000 THEN
    RAISE EXCEPTION 'lease of % ms is outside 500..60000', p_lease_ms USING ERRCODE = '22023';
  END IF;
  UPDATE core.leader SET lease_until = clock_timestamp() + p_lease_ms * interval '1 ms'
    WHERE role = p_role AND holder = p_holder AND epoch = p_epoch AND p_epoch > 0;
  IF FOUND THEN
    RETURN p_epoch;
  END IF;
  SELECT * INTO r FROM core.leader WHERE role = p_role;
  IF NOT FOUND THEN
    INSERT INTO core.leader (role, epoch, holder, lease_until) VALUES (p_role, 0, '', '-infinity') ON CONFLICT (role) DO NOTHING;
  ELSIF r.lease_until > clock_timestamp() THEN
    RETURN -greatest(1, ceil(extract(epoch FROM r.lease_until - clock_timestamp()) * 1000)::bigint);
  END IF;
  SELECT * INTO r FROM core.leader WHERE role = p_role FOR UPDATE;
  IF r.lease_until > clock_timestamp() THEN
    RETURN -greatest(1, ceil(extract(epoch FROM r.lease_until - clock_timestamp()) * 1000)::bigint);
  END IF;
  UPDATE core.leader SET epoch = r.epoch + 1, holder = p_holder,
    lease_until = clock_timestamp() + p_lease_ms * interval '1 ms' WHERE role = p_role;
  RETURN r.epoch + 1;
END $$;

-- Ends the sessions of the caller's role that hold a transaction open for longer than p_age_ms, if nobody leads: a leader that was
-- stopped in the middle of sending a batch would keep its locks for as long as it is stopped. What it sent is rolled back; when it
-- wakes, it is fenced. Runs with the caller's rights: a role may end its own sessions.
CREATE FUNCTION core.end_left_behind(p_role text, p_age_ms bigint)
RETURNS bigint LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
  WHERE NOT EXISTS (SELECT FROM core.leader l WHERE l.role = p_role AND l.lease_until > clock_timestamp())
    AND a.usename = current_user AND a.pid <> pg_backend_pid() AND a.datname = current_database()
    AND a.xact_start < clock_timestamp() - p_age_ms * interval '1 ms'
$$;
REVOKE ALL ON FUNCTION core.end_left_behind(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION core.end_left_behind(text, bigint) TO sot_scheduler;
GRANT SELECT ON core.leader TO sot_scheduler;
