/* ipam_vlan_pg_test - how VLANs are made in the real sotalia-ipam on a real PostgreSQL. Argument:
 * the binary. */
#include "ipam_world.h"
#include "sot_parse.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

typedef struct network {
	const char *name, *cidr, *gateway, *key;
} network;

static ipam_call create_network(ipam_world *w, network n)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_str rest;
	char base[20];
	sot_str head = sot_str_cut(sot_str_c(n.cidr), '/', &rest);
	(void)snprintf(base, sizeof(base), "%.*s", SOT_ARG(head));
	uint64_t prefix = 0;
	assert_int_equal(sot_parse_u64(rest, 0, 32, &prefix, NULL), SOT_OK);
	char sha[33];
	(void)snprintf(sha, sizeof(sha), "%-32.32s", n.cidr);
	sot_network_create m = {.request_id = bus_next_request_id(w->bus),
	    .context = {.actor = SOT_STR("user:test"),
	        .idempotency_key = sot_str_c(n.key),
	        .request_sha256 = {sha, 32}},
	    .name = sot_str_c(n.name),
	    .vlan_id = 7,
	    .network = ipam_ip(base),
	    .prefix = (uint8_t)prefix,
	    .gateway = ipam_ip(n.gateway)};
	assert_int_equal(sot_network_create_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

static void a_network_is_made_once_and_refusals_name_the_field(void **state)
{
	ipam_world *w = *state;
	ipam_start(w, 0, "", NULL);
	network lab = {.name = "lab", .cidr = "10.66.0.0/24", .gateway = "10.66.0.1", .key = "k1"};
	ipam_call first = create_network(w, lab);
	assert_int_equal(first.message, SOT_MSG_ACCEPTED);
	assert_false(first.replayed);
	ipam_call again = create_network(w, lab);
	assert_int_equal(again.message, SOT_MSG_ACCEPTED);
	assert_true(again.replayed);
	assert_true(sot_uuid_eq(again.resource_id, first.resource_id));
	ipam_call reused =
	    create_network(w, (network){.name = "b", .cidr = "10.67.0.0/24", .key = "k1"});
	assert_int_equal(reused.refusal, SOT_REFUSAL_KEY_REUSED);
	ipam_call overlap =
	    create_network(w, (network){.name = "b", .cidr = "10.66.0.0/16", .key = "k2"});
	assert_int_equal(overlap.refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(overlap.pointer, "/cidr");
	assert_string_equal(overlap.text, "10.66.0.0/16 overlaps with 10.66.0.0/24 of network lab");
	ipam_call name =
	    create_network(w, (network){.name = "lab", .cidr = "10.68.0.0/16", .key = "k3"});
	assert_string_equal(name.pointer, "/name");
	ipam_call outside = create_network(
	    w, (network){.name = "b", .cidr = "10.67.0.0/24", .gateway = "10.66.0.1", .key = "k4"});
	assert_int_equal(outside.refusal, SOT_REFUSAL_INVALID);
	assert_string_equal(outside.pointer, "/gateway");
	assert_string_equal(
	    outside.text, "the gateway 10.66.0.1 is not one of 10.67.0.1 to 10.67.0.254");
	ipam_call bits = create_network(w, (network){.name = "b", .cidr = "10.67.0.1/24", .key = "k5"});
	assert_string_equal(bits.text, "10.67.0.1/24 has host bits; the network is 10.67.0.0/24");
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM ipam.subnet"), 1);
	assert_int_equal(ipam_sql(w, "SELECT count(*) FROM gateway.audit"), 1);
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM core.outbox WHERE kind = 'network.created'"), 1);
	ipam_call unknown = ipam_acquire(w, 1, 1);
	assert_int_equal(unknown.message, SOT_MSG_ADDRESSES_GRANTED);
	assert_true(sot_ip_eq(unknown.grant.address, ipam_ip("10.66.0.2")));
	assert_int_equal(unknown.grant.prefix, 24);
	assert_true(sot_ip_eq(unknown.grant.gateway, ipam_ip("10.66.0.1")));
	assert_int_equal(unknown.grant.vlan_id, 7);
}

int main(int argc, char **argv)
{
	ipam_world_binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    IPAM_TEST(a_network_is_made_once_and_refusals_name_the_field),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
