-- What an allocation costs (docs/adr/0016): 20,000 a second pay for every index entry and every check of a row.

-- No statement asks for the history by owner.
DROP INDEX ipam.address_event_owner;

-- A row's subnet is there, and stays there while the row does. A foreign key asks for each row, which was a seventh of an
-- allocation; these ask once for a statement, and take the same lock.
ALTER TABLE ipam.address DROP CONSTRAINT address_subnet_fkey;
CREATE FUNCTION ipam.subnets_stand() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  gone bigint;
BEGIN
  WITH named AS MATERIALIZED (SELECT DISTINCT subnet FROM fresh),
    standing AS MATERIALIZED (SELECT s.id FROM ipam.subnet s WHERE s.id IN (SELECT subnet FROM named) ORDER BY s.id FOR KEY SHARE)
  SELECT (SELECT count(*) FROM named) - (SELECT count(*) FROM standing) INTO gone;
  IF gone <> 0 THEN
    RAISE EXCEPTION 'addresses of % subnets that do not exist', gone USING ERRCODE = '23503', CONSTRAINT = 'address_subnet';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER address_subnet AFTER INSERT ON ipam.address REFERENCING NEW TABLE AS fresh
  FOR EACH STATEMENT EXECUTE FUNCTION ipam.subnets_stand();
-- An address changes its subnet only when its VLAN was cut otherwise.
CREATE FUNCTION ipam.subnet_stands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM ipam.subnet s WHERE s.id = NEW.subnet FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'an address of a subnet that does not exist' USING ERRCODE = '23503', CONSTRAINT = 'address_subnet';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER address_subnet_changed AFTER UPDATE OF subnet ON ipam.address
  FOR EACH ROW WHEN (OLD.subnet IS DISTINCT FROM NEW.subnet) EXECUTE FUNCTION ipam.subnet_stands();
-- Who deletes a subnet has its row's lock by then: rows of other transactions are committed and seen, or not yet made, and
-- then they will find no subnet. An older snapshot would not see them.
CREATE FUNCTION ipam.subnet_is_unused() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'a subnet is deleted in a transaction that is read committed' USING ERRCODE = '25001';
  END IF;
  IF EXISTS (SELECT FROM ipam.address a WHERE a.subnet = OLD.id) THEN
    RAISE EXCEPTION 'subnet % has addresses', OLD.cidr USING ERRCODE = '23503', CONSTRAINT = 'address_subnet';
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER subnet_is_unused AFTER DELETE OR UPDATE OF id ON ipam.subnet
  FOR EACH ROW EXECUTE FUNCTION ipam.subnet_is_unused();
REVOKE ALL ON FUNCTION ipam.subnets_stand(), ipam.subnet_stands(), ipam.subnet_is_unused() FROM PUBLIC;

-- One event for at most 16 addresses that went from one state to another by one operation: a longer one would be compressed
-- and moved out of the row, which costs more than ten rows. `p_list` are state_item()s with commas between.
CREATE FUNCTION ipam.state_item(p_address inet, p_owner uuid) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS $$
  SELECT concat('{"address":"', host(p_address), CASE WHEN p_owner IS NULL THEN '","owner":null}' ELSE concat('","owner":"', p_owner, '"}') END)
$$;
CREATE FUNCTION ipam.tell_state_lists(p_subject text[], p_list text[], p_before text[], p_operation_id uuid[], p_after text, p_actor text)
RETURNS void LANGUAGE plpgsql SET search_path = ipam, pg_temp AS $$
DECLARE
  n integer := cardinality(p_list);
BEGIN
  PERFORM core.emit(array_fill('address.state'::text, ARRAY[n]), p_subject, array_fill(''::text, ARRAY[n]), array_fill(''::text, ARRAY[n]),
    array_fill(p_actor, ARRAY[n]), p_operation_id,
    (SELECT array_agg('{"addresses":[' || t.list || '],"changed":{"state":["' || t.before || '","' || p_after || '"]}}' ORDER BY t.n)
     FROM unnest(p_list, p_before) WITH ORDINALITY AS t(list, before, n)));
END $$;
CREATE OR REPLACE FUNCTION ipam.tell_states(p_address inet[], p_owner uuid[], p_before text[], p_operation_id uuid[], p_after text, p_actor text)
RETURNS void LANGUAGE plpgsql SET search_path = ipam, pg_temp AS $$
BEGIN
  PERFORM ipam.tell_state_lists(array_agg(subject), array_agg(list), array_agg(before), array_agg(operation_id), p_after, p_actor)
  FROM (
    SELECT operation_id, before, CASE WHEN count(*) = 1 THEN host(min(address)) ELSE '' END AS subject,
      string_agg(ipam.state_item(address, owner), ',') AS list
    FROM (SELECT t.*, (row_number() OVER (PARTITION BY operation_id, before) - 1) / 16 AS part
          FROM unnest(p_address, p_owner, p_before, p_operation_id) AS t(address, owner, before, operation_id)) t
    GROUP BY operation_id, before, part
  ) s;
END $$;
REVOKE ALL ON FUNCTION ipam.state_item(inet, uuid), ipam.tell_state_lists(text[], text[], text[], uuid[], text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.state_item(inet, uuid), ipam.tell_state_lists(text[], text[], text[], uuid[], text, text) TO sot_ipam;
