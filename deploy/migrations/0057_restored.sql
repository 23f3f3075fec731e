-- What must be said to a database that came back from a backup, before a service connects to it (sotalia-migrate --restored).
-- Readers of events must not take new numbers for old ones: a new stream. Agents have seen leaders and desired sets that this database has
-- lost, and refuse lower numbers: both go far beyond what was ever given out.
CREATE FUNCTION core.restored() RETURNS text LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE fresh uuid;
BEGIN
  UPDATE core.platform SET stream = gen_random_uuid() RETURNING stream INTO fresh;
  UPDATE core.leader SET epoch = epoch + 1000000, holder = '', lease_until = '-infinity';
  UPDATE scheduler.host SET generation = generation + 1000000;
  RETURN fresh::text;
END $$;
REVOKE ALL ON FUNCTION core.restored() FROM PUBLIC;
