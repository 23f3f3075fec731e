/* ipam_admin_pg_test - VLANs, subnets, ranges and kept addresses in the real sotalia-ipam on a real
 * PostgreSQL: what is made, what is refused in which words, and what is left behind. Argument: the
 * binary.
 */
#include "ipam_world.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

/* ---- requests ---- */

/* Each request has a key of its own. */
static sot_request_context fresh(void)
{
	static unsigned number;
	static char keys[8][20];
	char *key = keys[number % 8];
	(void)snprintf(key, 20, "key-%u", number++);
	return ipam_context(key, key);
}

static ipam_call create_vlan(ipam_world *w, sot_vlan_create m)
{
	if (m.context.actor.n == 0)
		m.context = fresh();
	return ipam_ask(w, &sot_vlan_create_type, &m);
}

static ipam_call update_vlan(ipam_world *w, sot_vlan_update m)
{
	m.context = fresh();
	return ipam_ask(w, &sot_vlan_update_type, &m);
}

static ipam_call delete_vlan(ipam_world *w, const char *name)
{
	sot_vlan_delete m = {.context = fresh(), .name = sot_str_c(name)};
	return ipam_ask(w, &sot_vlan_delete_type, &m);
}

static ipam_call create_subnet(
    ipam_world *w, const char *vlan, const char *network, uint8_t prefix, const char *gateway)
{
	sot_subnet_create m = {.context = fresh(),
	    .vlan = sot_str_c(vlan),
	    .network = ipam_ip(network),
	    .prefix = prefix,
	    .gateway = ipam_ip(gateway),
	    .weight = 1};
	return ipam_ask(w, &sot_subnet_create_type, &m);
}

static ipam_call delete_subnet(ipam_world *w, const char *network, uint8_t prefix)
{
	sot_subnet_delete m = {.context = fresh(), .network = ipam_ip(network), .prefix = prefix};
	return ipam_ask(w, &sot_subnet_delete_type, &m);
}

static ipam_call create_range(
    ipam_world *w, const char *first, const char *last, sot_range_kind kind)
{
	sot_range_create m = {.context = fresh(),
	    .first = ipam_ip(first),
	    .last = ipam_ip(last),
	    .kind = kind,
	    .owner = SOT_STR("team"),
	    .reason = SOT_STR("test")};
	return ipam_ask(w, &sot_range_create_type, &m);
}

static ipam_call delete_range(ipam_world *w, const char *first, const char *last)
{
	sot_range_delete m = {.context = fresh(), .first = ipam_ip(first), .last = ipam_ip(last)};
	return ipam_ask(w, &sot_range_delete_type, &m);
}

static ipam_call fix(ipam_world *w, const char *address, const char *owner)
{
	sot_address_fix m = {.context = fresh(),
	    .vlan = SOT_STR("lab"),
	    .address = ipam_ip(address),
	    .owner = sot_str_c(owner),
	    .mac = {{2, 0, 0, 0, 0, 9}},
	    .reason = SOT_STR("a reason")};
	return ipam_ask(w, &sot_address_fix_type, &m);
}

static ipam_call let_go(ipam_world *w, const char *address)
{
	sot_address_free m = {
	    .context = fresh(), .address = ipam_ip(address), .reason = SOT_STR("over")};
	return ipam_ask(w, &sot_address_free_type, &m);
}

static void assert_accepted(ipam_call c)
{
	if (c.message != SOT_MSG_ACCEPTED && c.message != SOT_MSG_ADDRESS_FIXED)
		fail_msg("refused: %s: %s", c.pointer, c.text);
}

static void assert_refused(ipam_call c, sot_refusal code, const char *pointer, const char *text)
{
	assert_int_equal(c.message, SOT_MSG_REFUSED);
	assert_string_equal(c.text, text);
	assert_string_equal(c.pointer, pointer);
	assert_int_equal(c.refusal, code);
}

static void assert_row(ipam_world *w, const char *condition)
{
	char sql[1000];
	(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", condition);
	if (ipam_sql(w, sql) != 1)
		fail_msg("not one row: %s", condition);
}

/* ---- VLANs ---- */

static void a_vlan_is_made_once_with_its_vrf_scopes_audit_and_event(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	sot_vlan_scope scopes[] = {{.kind = SOT_SCOPE_KIND_RACK, .name = SOT_STR("r12")},
	    {.kind = SOT_SCOPE_KIND_AZ, .name = SOT_STR("a")}};
	sot_vlan_create m = {.context = ipam_context("once", "front"),
	    .name = SOT_STR("front-a"),
	    .vlan_id = 100,
	    .vrf = SOT_STR("blue"),
	    .group = SOT_STR("front"),
	    .mtu = 9000,
	    .isolated = true,
	    .dns_zone = SOT_STR("front.example.net"),
	    .scopes = scopes,
	    .scopes_count = 2};
	ipam_call first = create_vlan(w, m), again = create_vlan(w, m);
	assert_accepted(first);
	assert_false(first.replayed);
	assert_accepted(again);
	assert_true(again.replayed);
	assert_true(sot_uuid_eq(first.resource_id, again.resource_id));
	m.context = ipam_context("once", "another");
	assert_refused(create_vlan(w, m), SOT_REFUSAL_KEY_REUSED, "",
	    "this idempotency key was used before for another request");
	assert_row(w, "ipam.vlan_v WHERE name = 'front-a' AND vrf = 'blue' AND \"vlanId\" = 100"
	              " AND \"group\" = 'front' AND mtu = 9000 AND isolated"
	              " AND scopes::text LIKE '%a%r12%'");
	assert_row(w, "ipam.vrf WHERE name = 'blue' AND number = 1");
	assert_row(w, "gateway.audit WHERE action = 'vlan.create' AND target = 'front-a'"
	              " AND actor = 'user:test' AND source_address = '127.0.0.1'"
	              " AND detail = '{\"vlanId\":100,\"group\":\"front\"}'");
	assert_row(w, "core.outbox WHERE kind = 'vlan.created' AND subject = 'front-a'"
	              " AND data = '{\"vlanId\":100,\"group\":\"front\"}'");
}

static void two_vlans_that_would_be_one_wire_are_refused(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	sot_vlan_scope a = {.kind = SOT_SCOPE_KIND_AZ, .name = SOT_STR("a")};
	sot_vlan_scope b = {.kind = SOT_SCOPE_KIND_AZ, .name = SOT_STR("b")};
	sot_vlan_create m = {.name = SOT_STR("one"), .vlan_id = 100, .scopes = &a, .scopes_count = 1};
	assert_accepted(create_vlan(w, m));
	m.name = SOT_STR("two");
	assert_refused(create_vlan(w, m), SOT_REFUSAL_CONFLICT, "/vlanId",
	    "VLAN one has the id 100 too, and both reach a common place: they would be one wire. "
	    "Choose "
	    "another id, other places, or add a subnet to one");
	m.scopes = &b;
	assert_accepted(create_vlan(w, m));
	sot_vlan_update wider = {.name = SOT_STR("two")};
	ipam_call c = update_vlan(w, wider);
	assert_int_equal(c.refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(c.pointer, "/scopes");
	m = (sot_vlan_create){.name = SOT_STR("two"), .vlan_id = 5};
	assert_refused(
	    create_vlan(w, m), SOT_REFUSAL_CONFLICT, "/name", "a VLAN with the name two exists");
	m = (sot_vlan_create){.name = SOT_STR("three"), .vlan_id = 5, .mtu = 100};
	assert_refused(create_vlan(w, m), SOT_REFUSAL_INVALID, "/mtu",
	    "the MTU 100 is neither 0 (as the uplink) nor in 1280..9216");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM core.outbox"), 2);
}

static void an_update_tells_what_changed_and_nothing_when_nothing_did(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	sot_vlan_scope scope = {.kind = SOT_SCOPE_KIND_HOST, .name = SOT_STR("h1")};
	sot_vlan_update m = {.name = SOT_STR("lab"),
	    .mtu = 1500,
	    .description = SOT_STR("say \"hi\""),
	    .scopes = &scope,
	    .scopes_count = 1};
	assert_accepted(update_vlan(w, m));
	assert_row(w,
	    "core.outbox WHERE kind = 'vlan.updated' AND data = '{\"changed\":{\"mtu\":[0,1500],"
	    "\"description\":[\"\",\"say \\\"hi\\\"\"],\"scopes\":[\"\",\"host:h1\"]}}'");
	assert_accepted(update_vlan(w, m));
	assert_row(w, "core.outbox WHERE kind = 'vlan.updated'");
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM gateway.audit WHERE action = 'vlan.update'"), 2);
	m.name = SOT_STR("nope");
	assert_refused(update_vlan(w, m), SOT_REFUSAL_NOT_FOUND, "", "there is no VLAN nope");
}

/* ---- subnets ---- */

static void a_subnet_of_either_family_is_made_and_given_out_from_at_once(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 24, "10.66.0.1"));
	ipam_call held = ipam_acquire(w, 1, 1);
	assert_int_equal(held.message, SOT_MSG_ADDRESSES_GRANTED);
	assert_int_equal(sot_ip_v4(held.grant.address), sot_ip_v4(ipam_ip("10.66.0.2")));
	assert_accepted(create_subnet(w, "lab", "2001:db8::", 64, "2001:db8::1"));
	assert_row(w, "ipam.subnet_v WHERE cidr = '2001:db8::/64' AND first = '2001:db8::2'"
	              " AND last = '2001:db8::ffff:ffff:ffff:ffff' AND vlan = 'lab'");
	assert_row(w, "core.outbox WHERE kind = 'subnet.created' AND subject = '10.66.0.0/24'"
	              " AND data = '{\"vlan\":\"lab\",\"cidr\":\"10.66.0.0/24\"}'");
}

static void wrong_subnets_are_refused_with_words_and_nothing_is_kept(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_vlan(
	    w, (sot_vlan_create){.name = SOT_STR("other"), .vlan_id = 8, .vrf = SOT_STR("blue")}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 24, "10.66.0.1"));
	assert_refused(create_subnet(w, "lab", "10.66.0.0", 16, NULL), SOT_REFUSAL_CONFLICT, "/cidr",
	    "10.66.0.0/16 overlaps with 10.66.0.0/24 of VLAN lab");
	assert_refused(create_subnet(w, "lab", "10.66.1.1", 24, NULL), SOT_REFUSAL_INVALID, "/cidr",
	    "10.66.1.1/24 has host bits; the network is 10.66.1.0/24");
	assert_refused(create_subnet(w, "lab", "10.66.1.0", 24, "10.67.0.1"), SOT_REFUSAL_INVALID,
	    "/gateway", "the gateway 10.67.0.1 is not one of 10.66.1.1 to 10.66.1.254");
	assert_refused(create_subnet(w, "nope", "10.66.1.0", 24, NULL), SOT_REFUSAL_NOT_FOUND, "/vlan",
	    "there is no VLAN nope");
	assert_refused(create_subnet(w, "lab", "2001:db8::", 40, NULL), SOT_REFUSAL_INVALID, "/cidr",
	    "the prefix length 40 is not in 48..126 of IPv6");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.subnet"), 1);
	/* Another VRF is another world. */
	assert_accepted(create_subnet(w, "other", "10.66.0.0", 24, NULL));
}

static void a_closed_subnet_gives_nothing_out_and_what_changed_is_told(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 24, "10.66.0.1"));
	sot_ip dns[] = {ipam_ip("10.0.0.54"), ipam_ip("10.0.0.53")};
	sot_subnet_update m = {.context = fresh(),
	    .network = ipam_ip("10.66.0.0"),
	    .prefix = 24,
	    .open = false,
	    .dns = dns,
	    .dns_count = 2,
	    .rank = 3,
	    .weight = 10};
	assert_accepted(ipam_ask(w, &sot_subnet_update_type, &m));
	assert_row(w, "ipam.subnet_v WHERE NOT open AND dns::text = '[\"10.0.0.54\", \"10.0.0.53\"]'"
	              " AND rank = 3 AND weight = 10");
	assert_row(w,
	    "core.outbox WHERE kind = 'subnet.updated' AND data->'changed' = '{\"open\":[true,"
	    "false],\"dns\":[\"\",\"10.0.0.54 10.0.0.53\"],\"rank\":[0,3],\"weight\":[1,10]}'");
	m.context = fresh();
	m.prefix = 23;
	assert_refused(ipam_ask(w, &sot_subnet_update_type, &m), SOT_REFUSAL_NOT_FOUND, "",
	    "there is no subnet 10.66.0.0/23 in VRF default");
}

static void what_is_used_is_not_deleted_and_the_words_count_it(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 24, "10.66.0.1"));
	ipam_call held = ipam_acquire(w, 1, 1);
	assert_accepted(fix(w, "10.66.0.9", "vip"));
	assert_refused(delete_vlan(w, "lab"), SOT_REFUSAL_CONFLICT, "",
	    "VLAN lab still has 1 subnet: 10.66.0.0/24 (2 addresses in use); delete it first");
	assert_refused(delete_subnet(w, "10.66.0.0", 24), SOT_REFUSAL_CONFLICT, "",
	    "10.66.0.0/24 is in use: 1 reserved for instances (10.66.0.2); 1 kept as static (10.66.0.9 "
	    "vip). Retire the instances, free the addresses, or close the subnet so that nothing new "
	    "is "
	    "given out");
	assert_int_equal(ipam_release(w, 1, &held.grant).changed, 1);
	assert_accepted(let_go(w, "10.66.0.9"));
	ipam_call cools = delete_subnet(w, "10.66.0.0", 24);
	assert_non_null(strstr(cools.text, "10.66.0.0/24 is in use: 1 cooling (10.66.0.2) until "));
	assert_accepted(let_go(w, "10.66.0.2"));
	assert_accepted(delete_subnet(w, "10.66.0.0", 24));
	assert_accepted(delete_vlan(w, "lab"));
	assert_refused(delete_vlan(w, "lab"), SOT_REFUSAL_NOT_FOUND, "", "there is no VLAN lab");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.address"), 0);
	assert_row(w, "core.outbox WHERE kind = 'vlan.deleted' AND data = '{\"vlanId\":7}'");
	assert_row(w, "core.outbox WHERE kind = 'subnet.deleted' AND data = '{\"vlan\":\"lab\"}'");
}

/* ---- ranges ---- */

static void ranges_lie_in_one_subnet_and_do_not_contradict(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 24, "10.66.0.1"));
	assert_accepted(create_range(w, "10.66.0.10", "10.66.0.99", SOT_RANGE_KIND_POOL));
	assert_accepted(create_range(w, "10.66.0.20", "10.66.0.29", SOT_RANGE_KIND_EXCLUDED));
	assert_refused(create_range(w, "10.66.0.25", "10.66.0.40", SOT_RANGE_KIND_RESERVED),
	    SOT_REFUSAL_CONFLICT, "/first",
	    "10.66.0.25-10.66.0.40 overlaps with the excluded range 10.66.0.20-10.66.0.29");
	assert_refused(create_range(w, "10.66.0.200", "10.66.1.5", SOT_RANGE_KIND_POOL),
	    SOT_REFUSAL_INVALID, "/last",
	    "10.66.1.5 is not in 10.66.0.0/24 of VLAN lab; a range belongs to one subnet");
	assert_refused(create_range(w, "10.99.0.1", "10.99.0.5", SOT_RANGE_KIND_POOL),
	    SOT_REFUSAL_NOT_FOUND, "/first", "10.99.0.1 lies in no subnet of VRF default");
	assert_refused(create_range(w, "10.66.0.9", "10.66.0.5", SOT_RANGE_KIND_POOL),
	    SOT_REFUSAL_INVALID, "/last",
	    "the last address 10.66.0.5 comes before the first, 10.66.0.9");
	assert_row(w, "ipam.address_range_v WHERE vlan = 'lab' AND kind = 'excluded' AND owner = 'team'"
	              " AND \"createdBy\" = 'user:test'");
	assert_row(w, "core.outbox WHERE kind = 'range.created' AND subject = '10.66.0.20-10.66.0.29'");
	assert_refused(delete_range(w, "10.66.0.20", "10.66.0.28"), SOT_REFUSAL_NOT_FOUND, "",
	    "there is no range 10.66.0.20-10.66.0.28 in VRF default");
	assert_accepted(delete_range(w, "10.66.0.20", "10.66.0.29"));
	assert_row(w, "core.outbox WHERE kind = 'range.deleted'");
}

/* ---- kept addresses ---- */

static void a_named_address_is_kept_and_refused_by_who_has_it(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 24, "10.66.0.1"));
	ipam_call held = ipam_acquire(w, 1, 1);
	ipam_call kept = fix(w, "10.66.0.9", "vip-shop");
	assert_int_equal(kept.message, SOT_MSG_ADDRESS_FIXED);
	assert_true(sot_ip_eq(kept.fixed, ipam_ip("10.66.0.9")));
	assert_row(w, "ipam.address_v WHERE address = '10.66.0.9' AND state = 'static'"
	              " AND \"ownerName\" = 'vip-shop' AND mac = '02:00:00:00:00:09'");
	assert_row(w, "ipam.address_event WHERE event = 'static' AND host(address) = '10.66.0.9'");
	assert_row(w, "core.outbox WHERE kind = 'address.state' AND subject = '10.66.0.9'"
	              " AND data->'changed'->'state'->>1 = 'static'");
	assert_refused(fix(w, "10.66.0.9", "b"), SOT_REFUSAL_CONFLICT, "/address",
	    "10.66.0.9 is static: vip-shop");
	ipam_call by_instance = fix(w, "10.66.0.2", "b");
	assert_non_null(strstr(by_instance.text, "10.66.0.2 is reserved: instance 0190"));
	assert_int_equal(ipam_release(w, 1, &held.grant).changed, 1);
	ipam_call cools = fix(w, "10.66.0.2", "b");
	assert_non_null(strstr(cools.text, "10.66.0.2 was given back and cools for "));
	(void)ipam_sql(w, "UPDATE ipam.address SET free_after = now() WHERE state = 'cooling'");
	assert_accepted(fix(w, "10.66.0.2", "b"));
	assert_row(w, "ipam.address WHERE host(address) = '10.66.0.2' AND generation = 2");
	assert_refused(fix(w, "10.67.0.2", "b"), SOT_REFUSAL_INVALID, "/address",
	    "10.67.0.2 is in no subnet of VLAN lab (its subnets: 10.66.0.0/24)");
	assert_refused(fix(w, "10.66.0.255", "b"), SOT_REFUSAL_INVALID, "/address",
	    "10.66.0.255 is not one of 10.66.0.1 to 10.66.0.254");
	assert_refused(
	    fix(w, "10.66.0.10", ""), SOT_REFUSAL_INVALID, "/owner", "a static address needs an owner");
	assert_refused(
	    let_go(w, "10.66.0.77"), SOT_REFUSAL_CONFLICT, "/address", "10.66.0.77 is free already");
}

static void the_next_free_one_skips_what_is_held_kept_back_or_cooling(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	assert_accepted(create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7}));
	assert_accepted(create_subnet(w, "lab", "10.66.0.0", 29, "10.66.0.1"));
	ipam_call held = ipam_acquire(w, 1, 1);
	assert_true(sot_ip_eq(held.grant.address, ipam_ip("10.66.0.2")));
	assert_int_equal(ipam_release(w, 1, &held.grant).changed, 1);
	assert_accepted(create_range(w, "10.66.0.3", "10.66.0.4", SOT_RANGE_KIND_RESERVED));
	sot_address_fix m = {.context = ipam_context("again", "next"),
	    .vlan = SOT_STR("lab"),
	    .state = SOT_FIXED_STATE_EXCLUDED};
	ipam_call first = ipam_ask(w, &sot_address_fix_type, &m);
	assert_true(sot_ip_eq(first.fixed, ipam_ip("10.66.0.5")));
	ipam_call replay = ipam_ask(w, &sot_address_fix_type, &m);
	assert_true(replay.replayed && sot_ip_eq(replay.fixed, first.fixed));
	assert_true(sot_ip_eq(fix(w, NULL, "a").fixed, ipam_ip("10.66.0.6")));
	assert_refused(fix(w, NULL, "b"), SOT_REFUSAL_BLOCKED, "/vlan",
	    "VLAN lab has no free IPv4 address in an open subnet (its subnets: 10.66.0.0/29); free one "
	    "or "
	    "add a subnet");
	/* An address of a range that is kept back is given out when it is named. */
	assert_accepted(fix(w, "10.66.0.3", "c"));
	assert_accepted(let_go(w, "10.66.0.6"));
	assert_true(sot_ip_eq(fix(w, NULL, "b").fixed, ipam_ip("10.66.0.6")));
	assert_accepted(let_go(w, "10.66.0.2"));
	assert_true(sot_ip_eq(fix(w, NULL, "d").fixed, ipam_ip("10.66.0.2")));
	assert_accepted(create_subnet(w, "lab", "2001:db8::", 64, NULL));
	m = (sot_address_fix){
	    .context = fresh(), .vlan = SOT_STR("lab"), .want_v6 = true, .owner = SOT_STR("six")};
	assert_true(sot_ip_eq(ipam_ask(w, &sot_address_fix_type, &m).fixed, ipam_ip("2001:db8::1")));
}

/* Requests that all arrive at once, of both servers: none is lost, no address twice. */
static void sixteen_at_once_on_two_servers_each_get_another_address(void **state)
{
	enum { COUNT = 16 };
	ipam_world *w = *state;
	ipam_call calls[COUNT];
	ipam_start(w, 0, "", NULL);
	ipam_start(w, 1, "", NULL);
	ipam_make_lab(w, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		SOT_AUTO_BUF frame;
		char key[20];
		(void)snprintf(key, sizeof(key), "burst-%zu", i);
		sot_address_fix m = {.request_id = bus_next_request_id(w->bus),
		    .context = ipam_context(key, key),
		    .vlan = SOT_STR("lab"),
		    .owner = SOT_STR("many")};
		sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
		assert_int_equal(sot_address_fix_encode(&m, &frame, NULL), SOT_OK);
		ipam_send(w, (int)i % 2, 0, m.request_id, &frame, &calls[i]);
	}
	for (size_t i = 0; i < COUNT; i++) {
		TURN_UNTIL(w->loop, calls[i].done);
		assert_accepted(calls[i]);
		for (size_t j = 0; j < i; j++)
			assert_false(sot_ip_eq(calls[i].fixed, calls[j].fixed));
	}
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state = 'static'"), COUNT);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM gateway.audit"), COUNT);
}

static void an_address_that_an_instance_held_keeps_its_generation_when_it_is_let_go(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	ipam_make_lab(w, 1);
	ipam_call held = ipam_acquire(w, 1, 1);
	ipam_call refused = let_go(w, "10.66.0.11");
	assert_int_equal(refused.refusal, SOT_REFUSAL_CONFLICT);
	assert_non_null(strstr(refused.text, "retire the instance, then it is given back by itself"));
	(void)ipam_sql(w, "UPDATE ipam.address SET state = 'suspect', lease_until = NULL");
	assert_accepted(let_go(w, "10.66.0.11"));
	assert_row(
	    w, "ipam.address_event WHERE event = 'freed' AND owner IS NOT NULL AND reason = 'over'");
	ipam_call next = ipam_acquire(w, 2, 1);
	assert_int_equal(next.message, SOT_MSG_ADDRESSES_GRANTED);
	assert_true(sot_ip_eq(next.grant.address, held.grant.address));
	assert_int_equal(next.grant.generation, held.grant.generation + 1);
}

/* ---- accidents ---- */

static void a_lost_answer_to_commit_is_read_back_by_its_key(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "store.tx.after_commit=error:1", NULL);
	ipam_call c = create_vlan(w, (sot_vlan_create){.name = SOT_STR("lab"), .vlan_id = 7});
	assert_accepted(c);
	assert_true(c.replayed);
	assert_row(w, "ipam.vlan");
	assert_row(w, "core.outbox");
}

static void killed_after_the_commit_the_repeated_request_is_answered_from_its_key(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "ipam.answer.before_send=crash", NULL);
	SOT_AUTO_BUF frame;
	ipam_call c;
	sot_vlan_create m = {.request_id = bus_next_request_id(w->bus),
	    .context = ipam_context("crash", "crash"),
	    .name = SOT_STR("lab"),
	    .vlan_id = 7};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_vlan_create_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	int status = 0;
	pid_t ended = 0;
	TURN_UNTIL(w->loop, ended > 0 || (ended = waitpid(w->pids[0], &status, WNOHANG)) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(c.done, 0);
	ipam_start(w, 0, "", NULL);
	TURN_UNTIL(w->loop, c.done);
	assert_accepted(c);
	assert_true(c.replayed);
	assert_row(w, "ipam.vlan");
	assert_row(w, "gateway.audit");
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(a_vlan_is_made_once_with_its_vrf_scopes_audit_and_event),
	    IPAM_TEST(two_vlans_that_would_be_one_wire_are_refused),
	    IPAM_TEST(an_update_tells_what_changed_and_nothing_when_nothing_did),
	    IPAM_TEST(a_subnet_of_either_family_is_made_and_given_out_from_at_once),
	    IPAM_TEST(wrong_subnets_are_refused_with_words_and_nothing_is_kept),
	    IPAM_TEST(a_closed_subnet_gives_nothing_out_and_what_changed_is_told),
	    IPAM_TEST(what_is_used_is_not_deleted_and_the_words_count_it),
	    IPAM_TEST(ranges_lie_in_one_subnet_and_do_not_contradict),
	    IPAM_TEST(a_named_address_is_kept_and_refused_by_who_has_it),
	    IPAM_TEST(the_next_free_one_skips_what_is_held_kept_back_or_cooling),
	    IPAM_TEST(sixteen_at_once_on_two_servers_each_get_another_address),
	    IPAM_TEST(an_address_that_an_instance_held_keeps_its_generation_when_it_is_let_go),
	    IPAM_TEST(a_lost_answer_to_commit_is_read_back_by_its_key),
	    IPAM_TEST(killed_after_the_commit_the_repeated_request_is_answered_from_its_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
