/* ipam_model_pg_test - the address model in the real sotalia-ipam on a real PostgreSQL: both
 * families, VRFs, several subnets, ranges, conflicts, leases, early cooling, what placement sees.
 * Argument: the binary. */
#include "ipam_world.h"

#include <setjmp.h>
#include <stdarg.h>
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
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
