/* ipam_model_pg_test - the address model in the real sotalia-ipam on a real PostgreSQL: both
 * families, VRFs, several subnets, ranges, conflicts, leases, early cooling, what placement sees.
 * Argument: the binary. */
#include "ipam_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sql(ipam_world *w, const char *text)
{
	(void)ipam_sql(w, text);
}

#define VLAN "'00000000-0000-7000-8000-000000000007'"

/* VLAN "lab" in VRF 9: an IPv4 subnet of 4 addresses, then one of a higher rank; and an IPv6 one.
 */
static void make_model(ipam_world *w)
{
	sql(w, "INSERT INTO ipam.vrf (number, name) VALUES (9, 'nine')");
	sql(w, "INSERT INTO ipam.vlan (id, name, vlan_id, vrf, vlan_group, mtu, isolated, dns_zone)"
	       " VALUES (" VLAN ", 'lab', 7, 9, 'labs', 1400, true, 'lab.example')");
	sql(w, "INSERT INTO ipam.vlan_scope (vlan, kind, name) VALUES (" VLAN ", 'rack', 'r1')");
	sql(w, "INSERT INTO ipam.subnet (id, vrf, vlan, cidr, gateway, first, last, rank, dns) VALUES"
	       " ('00000000-0000-7000-8000-00000000000a', 9, " VLAN ", '10.1.0.0/24', '10.1.0.1',"
	       " '10.1.0.2', '10.1.0.9', 0, '{10.1.0.53,2001:db8::53}'),"
	       " ('00000000-0000-7000-8000-00000000000b', 9, " VLAN ", '10.2.0.0/24', NULL,"
	       " '10.2.0.1', '10.2.0.254', 1, '{}'),"
	       " ('00000000-0000-7000-8000-00000000000c', 9, " VLAN ", '2001:db8::/64', '2001:db8::1',"
	       " '2001:db8::2', '2001:db8::ffff:ffff:ffff:ffff', 0, '{}')");
	sql(w, "INSERT INTO ipam.address_range (id, vrf, subnet, first, last, kind, created_by) VALUES"
	       " (gen_random_uuid(), 9, '00000000-0000-7000-8000-00000000000a', '10.1.0.4',"
	       " '10.1.0.7', 'reserved', 'test')");
}

static void grants_of_both_families_carry_the_facts_of_their_subnets(void **state)
{
	ipam_world *w = *state;
	make_model(w);
	ipam_start(w, 0, "", NULL);
	ipam_call c = ipam_acquire(w, 1, 1);
	assert_string_equal(c.text, "");
	assert_int_equal(c.grants, 2);
	const ipam_grant *v4 = &c.kept[0], *v6 = &c.kept[1];
	assert_true(sot_ip_eq(v4->address, ipam_ip("10.1.0.2")));
	assert_true(sot_ip_eq(v4->gateway, ipam_ip("10.1.0.1")));
	assert_true(sot_ip_eq(v6->address, ipam_ip("2001:db8::2")));
	assert_true(sot_ip_eq(v6->gateway, ipam_ip("2001:db8::1")));
	assert_int_equal(v4->prefix, 24);
	assert_int_equal(v6->prefix, 64);
	assert_int_equal(v4->vrf, 9);
	assert_int_equal(v4->vlan_id, 7);
	assert_int_equal(v4->mtu, 1400);
	assert_true(v4->isolated);
	assert_string_equal(v4->dns_zone, "lab.example");
	assert_int_equal(v4->dns_count, 2);
	assert_true(sot_ip_eq(v4->dns[1], ipam_ip("2001:db8::53")));
	static const sot_mac mac = {{0x02, 0x0a, 10, 1, 0, 2}};
	assert_memory_equal(&v4->mac, &mac, sizeof(mac));
	static const sot_mac none;
	assert_memory_equal(&v6->mac, &none, sizeof(none));
	/* What it gave out of 10.1.0.2 to .9 without the reserved four; then the next rank. */
	ipam_call more = ipam_acquire(w, 2, 4);
	assert_int_equal(more.grants, 8);
	assert_true(sot_ip_eq(more.kept[0].address, ipam_ip("10.1.0.3")));
	assert_true(sot_ip_eq(more.kept[2].address, ipam_ip("10.1.0.8")));
	assert_true(sot_ip_eq(more.kept[4].address, ipam_ip("10.1.0.9")));
	assert_true(sot_ip_eq(more.kept[6].address, ipam_ip("10.2.0.1")));
	assert_int_equal(more.kept[6].dns_count, 0);
	ipam_assert_consistent(w, 10);
	ipam_call v6_back = ipam_release(w, 1, v6);
	assert_int_equal(v6_back.changed, 1);
	assert_int_equal(ipam_bind(w, 1, v4, 1000).changed, 1);
	ipam_assert_consistent(w, 9);
}

static void a_vlan_needs_an_ipv4_subnet_and_an_owner_stays_in_its_vlan(void **state)
{
	ipam_world *w = *state;
	make_model(w);
	sql(w, "INSERT INTO ipam.vlan (id, name, vlan_id) VALUES (gen_random_uuid(), 'other', 8)");
	ipam_start(w, 0, "", NULL);
	ipam_call first = ipam_acquire(w, 1, 1);
	assert_int_equal(first.grants, 2);
	sot_address_want want = {.owner = ipam_owner(3), .vlan = SOT_STR("other")};
	ipam_call none = ipam_acquire_wants(w, &want, 1);
	assert_int_equal(none.refusal, SOT_REFUSAL_BLOCKED);
	assert_non_null(strstr(none.text, "VLAN other has no IPv4 subnet"));
	sql(w, "INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT gen_random_uuid(), id,"
	       " '10.9.0.0/24', '10.9.0.1', '10.9.0.254' FROM ipam.vlan WHERE name = 'other'");
	want.owner = ipam_owner(1);
	ipam_call mixed = ipam_acquire_wants(w, &want, 1);
	assert_int_equal(mixed.refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(mixed.text, "holds 10.1.0.2 of VLAN lab"));
	ipam_assert_consistent(w, 2);
}

static void an_address_that_a_stranger_uses_is_lost_and_another_one_is_given(void **state)
{
	ipam_world *w = *state;
	static const sot_mac stranger = {{0x52, 0x54, 0, 1, 2, 3}};
	make_model(w);
	ipam_start(w, 0, "", NULL);
	ipam_call first = ipam_acquire(w, 1, 1);
	assert_int_equal(ipam_conflict(w, 1, &first.grant, 1000, stranger).changed, 1);
	assert_int_equal(ipam_conflict(w, 1, &first.grant, 1000, stranger).skipped, 1);
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'conflict' AND"
	                " mac = '52:54:00:01:02:03' AND owner IS NULL AND host IS NOT NULL"),
	    1);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM core.outbox WHERE kind = 'address.conflict'"
	                             " AND data->>'vlan' = 'lab' AND data->>'sighting' = 'probe'"),
	    1);
	ipam_call second = ipam_acquire(w, 1, 1);
	assert_int_equal(second.grants, 2);
	assert_false(sot_ip_eq(second.grant.address, first.grant.address));
	assert_true(sot_ip_eq(second.kept[1].address, first.kept[1].address));
}

static void a_reservation_that_nobody_bound_ends_only_when_its_owner_is_gone(void **state)
{
	ipam_world *w = *state;
	make_model(w);
	ipam_start(w, 0, "", "--lease_s=1");
	ipam_call bound = ipam_acquire(w, 1, 1);
	assert_int_equal(ipam_bind(w, 1, &bound.kept[0], 1000).changed, 1);
	assert_int_equal(ipam_bind(w, 1, &bound.kept[1], 1000).changed, 1);
	ipam_call forgotten = ipam_acquire(w, 2, 1);
	assert_int_equal(forgotten.grants, 2);
	TURN_UNTIL(w->loop,
	    ipam_sql(w, "SELECT count(*) FROM ipam.address_event WHERE event = 'expired'") == 2);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'cooling'"), 2);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'bound'"), 2);
	/* A release that comes late means a holding that is over. */
	assert_int_equal(ipam_release(w, 2, &forgotten.grant).skipped, 1);
}

static void cooling_is_cut_short_to_the_floor_when_nothing_else_is_left(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 1);
	ipam_start(w, 0, "", "--cooling_s=3600");
	ipam_call first = ipam_acquire(w, 1, 1);
	assert_int_equal(ipam_release(w, 1, &first.grant).changed, 1);
	sql(w, "UPDATE ipam.address SET updated_at = now() - interval '125 seconds'");
	ipam_call early = ipam_acquire(w, 2, 1);
	assert_int_equal(early.refusal, SOT_REFUSAL_BLOCKED);
	assert_non_null(strstr(early.text, "1 cooling"));
	sql(w, "UPDATE ipam.address SET updated_at = now() - interval '131 seconds'");
	ipam_call given = ipam_acquire(w, 2, 1);
	assert_string_equal(given.text, "");
	assert_true(sot_ip_eq(given.grant.address, first.grant.address));
	assert_int_equal(given.grant.generation, first.grant.generation + 1);
}

static void placement_sees_what_is_free_and_only_what_has_changed(void **state)
{
	ipam_world *w = *state;
	make_model(w);
	sql(w, "INSERT INTO ipam.vlan (id, name, vlan_id) VALUES (gen_random_uuid(), 'empty', 8)");
	ipam_start(w, 0, "", NULL);
	assert_int_equal(ipam_acquire(w, 1, 1).grants, 2);
	ipam_call all = ipam_vlans(w, 0);
	assert_int_equal(all.message, SOT_MSG_VLANS);
	assert_true(all.full);
	assert_int_equal(all.vlan_count, 2);
	assert_string_equal(all.vlans[0].name, "lab");
	assert_string_equal(all.vlans[0].group, "labs");
	assert_int_equal(all.vlans[0].scopes, 1);
	assert_true(all.vlans[0].has_v6);
	assert_int_equal(all.vlans[0].free_v4, 3 + 254);
	assert_true(all.vlans[0].free_v6 > UINT32_MAX);
	assert_int_equal(all.vlans[1].free_v4, 0);
	ipam_call nothing = ipam_vlans(w, all.version);
	assert_false(nothing.full);
	assert_int_equal(nothing.vlan_count, 0);
	assert_int_equal(ipam_acquire(w, 2, 1).grants, 2);
	ipam_call less = ipam_vlans(w, all.version);
	assert_int_equal(less.vlan_count, 1);
	assert_int_equal(less.vlans[0].free_v4, 2 + 254);
	/* A later life knows nothing of the versions of this one. */
	assert_int_equal(ipam_end(w, 0, 15), 0);
	ipam_start(w, 0, "", NULL);
	assert_int_equal(ipam_acquire(w, 2, 1).grants, 2);
	ipam_call anew = ipam_vlans(w, less.version);
	assert_true(anew.full);
	assert_int_equal(anew.vlan_count, 2);
}

/* ---- named pools ---- */

static ipam_call make_range(ipam_world *w, const char *first, const char *last, const char *pool)
{
	sot_range_create m = {.context = ipam_context(first, pool),
	    .vrf = SOT_STR("nine"),
	    .first = ipam_ip(first),
	    .last = ipam_ip(last),
	    .kind = SOT_RANGE_KIND_POOL,
	    .pool = sot_str_c(pool)};
	return ipam_ask(w, &sot_range_create_type, &m);
}

static ipam_call want_of(ipam_world *w, uint32_t owner, const char *vlan)
{
	sot_address_want want = {.owner = ipam_owner(owner), .vlan = sot_str_c(vlan)};
	return ipam_acquire_wants(w, &want, 1);
}

static const ipam_vlan *told_of(const ipam_call *c, const char *name)
{
	size_t i = 0;
	while (i < c->vlan_count && strcmp(c->vlans[i].name, name) != 0)
		i++;
	assert_true(i < c->vlan_count); /* it is told */
	return &c->vlans[i];
}

static void a_named_pool_serves_who_names_it_until_it_is_exhausted(void **state)
{
	ipam_world *w = *state;
	make_model(w);
	ipam_start(w, 0, "", NULL);
	ipam_call made = make_range(w, "10.2.0.10", "10.2.0.11", "front");
	assert_int_equal(made.message, SOT_MSG_ACCEPTED);
	assert_string_equal(make_range(w, "10.2.0.11", "10.2.0.12", "back").pointer, "/first");
	assert_string_equal(make_range(w, "10.2.0.20", "10.2.0.21", "Front!").pointer, "/pool");
	ipam_call one = want_of(w, 1, "lab/front");
	ipam_call told = ipam_vlans(w, 0);
	assert_int_equal(told_of(&told, "lab/front")->free_v4, 1);
	assert_string_equal(told_of(&told, "lab/front")->group, "labs/front");
	assert_int_equal(told_of(&told, "lab/front")->scopes, 1);
	assert_int_equal(told_of(&told, "lab")->free_v4, 4 + 252);
	ipam_call other = want_of(w, 2, "lab/front");
	assert_true(sot_ip_eq(one.grant.address, ipam_ip("10.2.0.10")));
	assert_string_equal(one.grant.vlan, "lab");
	assert_true(sot_ip_eq(other.grant.address, ipam_ip("10.2.0.11")));
	ipam_call refused = want_of(w, 3, "lab/front");
	assert_int_equal(refused.refusal, SOT_REFUSAL_BLOCKED);
	assert_string_equal(refused.text,
	    "pool front of VLAN lab has no free IPv4 address for 1 wanted; tried: 10.2.0.0/24 (2 "
	    "addresses: 0 free, 2 reserved). Retire instances, add a subnet or widen a pool.");
	assert_string_equal(want_of(w, 3, "lab/none").text, "there is no pool none of VLAN lab");
	assert_true(sot_ip_eq(want_of(w, 3, "lab").grant.address, ipam_ip("10.1.0.2")));
	/* What is held stays, also by who names another pool now. */
	assert_true(sot_ip_eq(want_of(w, 1, "lab").grant.address, one.grant.address));
	assert_int_equal(ipam_release(w, 2, &other.grant).changed, 1);
	ipam_call after = ipam_vlans(w, 0);
	assert_int_equal(told_of(&after, "lab/front")->free_v4, 0);
	/* Cut short to the floor, when nothing else is left: also of a pool. */
	sql(w, "UPDATE ipam.address SET updated_at = now() - interval '131 s' WHERE state = 'cooling'");
	assert_true(sot_ip_eq(want_of(w, 4, "lab/front").grant.address, other.grant.address));
	sot_address_fix fix = {.context = ipam_context("f", ""),
	    .vlan = SOT_STR("lab/front"),
	    .state = SOT_FIXED_STATE_EXCLUDED};
	assert_int_equal(ipam_ask(w, &sot_address_fix_type, &fix).refusal, SOT_REFUSAL_BLOCKED);
	assert_int_equal(make_range(w, "10.2.0.30", "10.2.0.30", "front").message, SOT_MSG_ACCEPTED);
	fix.context = ipam_context("g", "");
	assert_true(sot_ip_eq(ipam_ask(w, &sot_address_fix_type, &fix).fixed, ipam_ip("10.2.0.30")));
	fix = (sot_address_fix){.context = ipam_context("h", ""),
	    .vlan = SOT_STR("lab"),
	    .state = SOT_FIXED_STATE_EXCLUDED};
	assert_true(sot_ip_eq(ipam_ask(w, &sot_address_fix_type, &fix).fixed, ipam_ip("10.1.0.3")));
}

/* ---- an address has a subnet, whoever comes first ---- */

#define SUBNET "'00000000-0000-7000-8000-00000000000a'"
#define PUT_ROW                                                                                    \
	"INSERT INTO ipam.address (vrf, address, subnet, state) VALUES (9, '10.1.0.9', " SUBNET        \
	", 'excluded')"
#define DROP_SUBNET "DELETE FROM ipam.subnet WHERE id = " SUBNET

static PGconn *session(void)
{
	char text[300];
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=sot_ipam", getenv("SOT_PG_DIR"));
	PGconn *pg = PQconnectdb(text);
	assert_int_equal(PQstatus(pg), CONNECTION_OK);
	return pg;
}

static void run(PGconn *pg, const char *text)
{
	PGresult *res = PQexec(pg, text);
	assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
	PQclear(res);
}

/* Begins it, and comes back when it waits for a lock. */
static void run_into_lock(ipam_world *w, PGconn *pg, const char *text)
{
	char waits[160];
	assert_int_equal(PQsendQuery(pg, text), 1);
	(void)snprintf(waits, sizeof(waits),
	    "SELECT count(*) FROM pg_stat_activity WHERE pid = %d AND wait_event_type = 'Lock'",
	    PQbackendPID(pg));
	TURN_UNTIL(w->loop, ipam_sql(w, waits) == 1);
}

static void assert_refused(PGresult *res)
{
	assert_int_equal(PQresultStatus(res), PGRES_FATAL_ERROR);
	assert_string_equal(PQresultErrorField(res, PG_DIAG_SQLSTATE), "23503");
	PQclear(res);
}

static void a_subnet_and_its_addresses_never_part(void **state)
{
	ipam_world *w = *state;
	make_model(w);
	PGconn *one = session(), *two = session();
	assert_refused(PQexec(one, "INSERT INTO ipam.address (vrf, address, subnet, state) VALUES"
	                           " (9, '10.1.0.9', gen_random_uuid(), 'excluded')"));
	/* The subnet goes first: the address waits for it and finds none. */
	run(one, "BEGIN");
	run(one, "DELETE FROM ipam.address_range");
	run(one, DROP_SUBNET);
	run_into_lock(w, two, PUT_ROW);
	run(one, "COMMIT");
	assert_refused(PQgetResult(two));
	assert_null(PQgetResult(two));
	sql(w, "INSERT INTO ipam.subnet (id, vrf, vlan, cidr, first, last) VALUES (" SUBNET ", 9, " VLAN
	       ", '10.1.0.0/24', '10.1.0.2', '10.1.0.9')");
	/* The address comes first: the subnet stays. */
	run(one, "BEGIN");
	run(one, PUT_ROW);
	run_into_lock(w, two, DROP_SUBNET);
	run(one, "COMMIT");
	assert_refused(PQgetResult(two));
	assert_null(PQgetResult(two));
	assert_refused(PQexec(two, "UPDATE ipam.address SET subnet = gen_random_uuid()"));
	assert_refused(PQexec(two, "UPDATE ipam.subnet SET id = gen_random_uuid() WHERE id = " SUBNET));
	run(two, "UPDATE ipam.address SET subnet = '00000000-0000-7000-8000-00000000000b'");
	run(two, DROP_SUBNET);
	PQfinish(one);
	PQfinish(two);
}

/* ---- addresses that never had a row are given without a look at any ---- */

static void who_asks_again_among_new_ones_is_given_the_same(void **state)
{
	ipam_world *w = *state;
	ipam_make_lab(w, 100);
	ipam_start(w, 0, "", NULL);
	ipam_call first = ipam_acquire(w, 1, 3);
	assert_int_equal(first.grants, 3);
	assert_int_equal(first.kept[0].generation, 1);
	/* Owner 3 holds one: the key refuses all five, and the look finds it. */
	ipam_call more = ipam_acquire(w, 3, 5);
	assert_int_equal(more.grants, 5);
	assert_true(sot_ip_eq(more.kept[0].address, first.kept[2].address));
	/* A row that memory knows nothing of. */
	sql(w, "INSERT INTO ipam.address (address, subnet, state) SELECT first + 7, id, 'excluded'"
	       " FROM ipam.subnet");
	assert_int_equal(ipam_acquire(w, 20, 4).grants, 4);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'reserved'"), 11);
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.address_event WHERE event = 'reserved'"), 11);
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(grants_of_both_families_carry_the_facts_of_their_subnets),
	    IPAM_TEST(a_vlan_needs_an_ipv4_subnet_and_an_owner_stays_in_its_vlan),
	    IPAM_TEST(an_address_that_a_stranger_uses_is_lost_and_another_one_is_given),
	    IPAM_TEST(a_reservation_that_nobody_bound_ends_only_when_its_owner_is_gone),
	    IPAM_TEST(cooling_is_cut_short_to_the_floor_when_nothing_else_is_left),
	    IPAM_TEST(placement_sees_what_is_free_and_only_what_has_changed),
	    IPAM_TEST(a_subnet_and_its_addresses_never_part),
	    IPAM_TEST(a_named_pool_serves_who_names_it_until_it_is_exhausted),
	    IPAM_TEST(who_asks_again_among_new_ones_is_given_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
