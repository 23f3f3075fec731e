-- Four services read the keys of all hosts every few seconds; they hardly ever change. Who knows the stamp that is true reads nothing.
CREATE TABLE scheduler.host_key_change (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  number   bigint NOT NULL DEFAULT 0
);
INSERT INTO scheduler.host_key_change DEFAULT VALUES;

-- Once a transaction, however many rows it changes.
CREATE FUNCTION scheduler.host_keys_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = scheduler, pg_temp AS $$
BEGIN
  UPDATE host_key_change SET number = number + 1 WHERE only_row AND xmin <> pg_current_xact_id()::xid;
  RETURN NULL;
END $$;
CREATE TRIGGER host_keys_come AFTER INSERT ON scheduler.host FOR EACH ROW EXECUTE FUNCTION scheduler.host_keys_changed();
CREATE TRIGGER host_keys_change AFTER UPDATE OF name, public_key, revoked, state ON scheduler.host FOR EACH ROW
  WHEN (OLD.name <> NEW.name OR OLD.public_key <> NEW.public_key OR OLD.revoked <> NEW.revoked OR (OLD.state = 'retired') <> (NEW.state = 'retired'))
  EXECUTE FUNCTION scheduler.host_keys_changed();
CREATE TRIGGER host_keys_go AFTER DELETE OR TRUNCATE ON scheduler.host FOR EACH STATEMENT EXECUTE FUNCTION scheduler.host_keys_changed();
CREATE TRIGGER host_keys_replaced AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON gateway.host_key
  FOR EACH STATEMENT EXECUTE FUNCTION scheduler.host_keys_changed();
CREATE INDEX host_key_ends ON gateway.host_key (ends_at) WHERE state = 'replaced';

-- Another one when scheduler.host_key_v may give other rows than before: a change was committed, a replaced key has ended, the data are
-- restored, another server answers.
CREATE FUNCTION scheduler.host_key_stamp() RETURNS text LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = scheduler, pg_temp AS $$
BEGIN
  RETURN concat_ws(' ', (SELECT number FROM host_key_change),
    (SELECT count(*) FROM gateway.host_key k WHERE k.state = 'replaced' AND k.ends_at <= now()),
    (SELECT stream FROM core.platform), extract(epoch FROM pg_postmaster_start_time())::bigint);
END $$;
REVOKE ALL ON FUNCTION scheduler.host_keys_changed(), scheduler.host_key_stamp() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scheduler.host_key_stamp() TO sot_scheduler, sot_ipam, sot_gateway, sot_bridge;
