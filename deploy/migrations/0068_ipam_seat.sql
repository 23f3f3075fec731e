-- Of several ipams one serves (docs/adr/0047): the lease that schedulers have, under a name of its own. ipam may take its own seat only.
CREATE FUNCTION ipam.seat_take(p_holder text, p_epoch bigint, p_lease_ms bigint)
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = core, pg_temp AS $$
  SELECT core.lead('ipam', p_holder, p_epoch, p_lease_ms)
$$;
CREATE FUNCTION ipam.seat_leave(p_holder text, p_epoch bigint)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = core, pg_temp AS $$
  SELECT core.resign('ipam', p_holder, p_epoch)
$$;
REVOKE ALL ON FUNCTION ipam.seat_take(text, bigint, bigint), ipam.seat_leave(text, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ipam.seat_take(text, bigint, bigint), ipam.seat_leave(text, bigint) TO sot_ipam;
