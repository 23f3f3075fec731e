/* What an instance may send, tried frame by frame on real links: each lie is dropped and counted by
 * its reason, each truth passes. */
#include "net_lab.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "announcement.h"

typedef struct lab {
	host_network *network;
	char *folder;
	net_record record;
	net_lab_machine instance, neighbour;
	int from, to; /* taps on both */
} lab;

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t stranger[6] = {2, 0xde, 0xad, 0xbe, 0xef, 1};

typedef struct frame {
	uint8_t b[NET_LAB_FRAME_MAX];
	size_t n;
} frame;

static void put(frame *f, const void *p, size_t n)
{
	memcpy(f->b + f->n, p, n);
	f->n += n;
}

static void put_u16(frame *f, unsigned v)
{
	const uint8_t b[2] = {(uint8_t)(v >> 8), (uint8_t)v};
	put(f, b, 2);
}

static frame ethernet(const uint8_t to[6], const uint8_t from[6], unsigned type)
{
	frame f = {.n = 0};
	put(&f, to, 6);
	put(&f, from, 6);
	put_u16(&f, type);
	return f;
}

static frame arp(const uint8_t from[6], unsigned operation, const uint8_t sender[6], sot_ip address,
    sot_ip target)
{
	frame f = ethernet(everybody, from, 0x0806);
	put(&f, (const uint8_t[]){0, 1, 8, 0, 6, 4}, 6);
	put_u16(&f, operation);
	put(&f, sender, 6);
	put(&f, address.b, 4);
	put(&f, (const uint8_t[6]){0}, 6);
	put(&f, target.b, 4);
	return f;
}

static frame udp4(const uint8_t from[6], sot_ip source, unsigned sport, unsigned dport)
{
	frame f = ethernet(everybody, from, 0x0800);
	uint32_t sum = 0;
	put(&f, (const uint8_t[]){0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0}, 12);
	put(&f, source.b, 4);
	put(&f, everybody, 4);
	for (size_t i = 14; i < 34; i += 2)
		sum += (uint32_t)(f.b[i] << 8 | f.b[i + 1]);
	sum = (sum & 0xffff) + (sum >> 16);
	f.b[24] = (uint8_t)(~sum >> 8);
	f.b[25] = (uint8_t)~sum;
	put_u16(&f, sport);
	put_u16(&f, dport);
	put(&f, (const uint8_t[]){0, 12, 0, 0, 'l', 'i', 'e', '!'}, 8);
	return f;
}

static frame ipv6(const uint8_t from[6], sot_ip source, uint8_t next, const void *p, size_t n)
{
	static const uint8_t all[16] = {0xff, 2, [15] = 1};
	frame f = ethernet((const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, from, 0x86dd);
	put(&f, (const uint8_t[]){0x60, 0, 0, 0, 0, (uint8_t)n, next, 255}, 8);
	put(&f, source.b, 16);
	put(&f, all, 16);
	put(&f, p, n);
	return f;
}

/* A neighbour message with or without a link-layer option. */
static frame neighbour(const uint8_t from[6], sot_ip source, uint8_t type, sot_ip target,
    uint8_t option, const uint8_t option_mac[6])
{
	uint8_t m[32] = {type};
	memcpy(m + 8, target.b, 16);
	m[24] = option;
	m[25] = 1;
	if (option)
		memcpy(m + 26, option_mac, 6);
	return ipv6(from, source, 58, m, option ? 32 : 24);
}

static frame udp6(const uint8_t from[6], sot_ip source, uint8_t sport_high, uint8_t sport_low,
    uint8_t dport_high, uint8_t dport_low)
{
	const uint8_t m[12] = {
	    sport_high, sport_low, dport_high, dport_low, 0, 12, 0, 0, 'l', 'i', 'e'};
	return ipv6(from, source, 17, m, sizeof(m));
}

static frame icmp6(const uint8_t from[6], sot_ip source, uint8_t type)
{
	const uint8_t m[16] = {type};
	return ipv6(from, source, 58, m, sizeof(m));
}

static frame tagged(const frame *inner)
{
	frame f = {.n = 0};
	put(&f, inner->b, 12);
	put(&f, (const uint8_t[]){0x81, 0, 0, 200}, 4);
	put(&f, inner->b + 12, inner->n - 12);
	return f;
}

static sot_ip v4(const char *text)
{
	sot_ip ip = {0};
	assert_int_equal(sot_ip_parse(sot_str_c(text), &ip, NULL), SOT_OK);
	return ip;
}

static void counters(uint64_t ret[static GUARD_REASONS])
{
	sot_err err = {0};
	SOT_AUTO(netlink) n = NULL;
	assert_int_equal(netlink_open(NETLINK_NETFILTER, &n, &err), SOT_OK);
	if (guard_read_counters(n, ret, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static bool is_same(const uint8_t *got, size_t got_n, const frame *want)
{
	return got_n >= want->n && memcmp(got, want->b, want->n) == 0;
}

/* Sends `f`, then the truth; whether `f` came before the truth did. The order on one CPU is kept,
 * so nothing has to be waited for. */
static bool passes(lab *l, const frame *f)
{
	static unsigned number;
	uint8_t got[NET_LAB_FRAME_MAX];
	bool came = false;
	const sot_ip asked = sot_ip_from_v4(10u << 24 | 100u << 16 | (200u + number++ % 50u));
	const frame truth = arp(l->record.mac, 1, l->record.mac, l->record.address, asked);
	net_lab_send(l->from, f->b, f->n);
	net_lab_send(l->from, truth.b, truth.n);
	for (;;) {
		size_t n = net_lab_receive(l->to, 5000, got);
		if (n == 0)
			fail_msg("the truth did not arrive");
		if (is_same(got, n, &truth))
			return came;
		came = came || is_same(got, n, f);
	}
}

static int set_up(void **state)
{
	lab *l = sot_alloc(sizeof(*l));
	l->folder = net_lab_folder();
	l->network = net_lab_network(l->folder, true);
	l->record = net_lab_record(100, 11, true);
	l->instance = net_lab_machine_start();
	l->neighbour = net_lab_neighbour("br100", "neighbour");
	l->to = net_lab_tap(&l->neighbour);
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	lab *l = *state;
	if (l->from > 0)
		close(l->from);
	close(l->to);
	net_lab_machine_end(&l->instance);
	net_lab_machine_end(&l->neighbour);
	host_network_free(l->network);
	net_lab_folder_remove(l->folder);
	free(l);
	return 0;
}

static void wire(lab *l)
{
	net_lab_wire(&l->record, &l->instance);
	l->from = net_lab_tap(&l->instance);
}

typedef struct lie {
	const char *name;
	guard_reason reason;
	frame f;
	bool is_not_forwarded; /* by any bridge: not even without a guard */
} lie;

enum { LIES_MAX = 40 };
static size_t all_lies(const lab *l, lie ret[static LIES_MAX])
{
	const uint8_t *mac = l->record.mac;
	const sot_ip own = l->record.address, own6 = l->record.address6, none4 = v4("0.0.0.0");
	const sot_ip other = v4("10.100.0.12"), other6 = v4("fd00:64::12"), none6 = v4("::");
	const sot_ip router = v4("fe80::1"), local = v4("fe80::a:aff:fe64:b");
	const frame own_arp = arp(mac, 1, mac, own, other);
	const frame own_udp = udp4(mac, own, 4000, 4000);
	frame bpdu = ethernet((const uint8_t[]){1, 0x80, 0xc2, 0, 0, 0}, mac, 38);
	put(&bpdu, (const uint8_t[38]){0x42, 0x42, 3}, 38);
	frame lldp = ethernet((const uint8_t[]){1, 0x80, 0xc2, 0, 0, 0x0e}, mac, 0x88cc);
	put(&lldp, (const uint8_t[46]){2, 7, 4}, 46);
	frame exotic = ethernet(everybody, mac, 0x88b5);
	put(&exotic, (const uint8_t[46]){0}, 46);
	frame long_arp = own_arp;
	long_arp.b[18] = 8; /* a hardware address of 8 bytes shifts the sender's IP */
	const lie lies[] = {
	    {"another address", GUARD_FORGED_ADDRESS, udp4(mac, other, 4000, 4000), false},
	    {"no address", GUARD_FORGED_ADDRESS, udp4(mac, none4, 68, 67), false},
	    {"another MAC", GUARD_FORGED_MAC, udp4(stranger, own, 4000, 4000), false},
	    {"ARP reply for another", GUARD_FORGED_ARP, arp(mac, 2, mac, other, own), false},
	    {"ARP with a forged sender MAC", GUARD_FORGED_ARP, arp(mac, 2, stranger, own, other),
	        false},
	    {"ARP from a forged MAC", GUARD_FORGED_MAC, arp(stranger, 2, stranger, own, other), false},
	    {"probe with a forged MAC", GUARD_FORGED_MAC, arp(stranger, 1, stranger, none4, other),
	        false},
	    {"probe with a forged sender MAC", GUARD_FORGED_ARP, arp(mac, 1, stranger, none4, other),
	        false},
	    {"GARP for another", GUARD_FORGED_ARP, arp(mac, 1, mac, other, other), false},
	    {"ARP of odd lengths", GUARD_FORGED_ARP, long_arp, false},
	    {"DHCP server", GUARD_DHCP_SERVER, udp4(mac, own, 67, 68), false},
	    {"DHCP server from another port", GUARD_DHCP_SERVER, udp4(mac, own, 1067, 68), false},
	    {"DHCPv6 server", GUARD_DHCP_SERVER, udp6(mac, local, 2, 0x23, 2, 0x22), false},
	    {"router advertisement", GUARD_ROUTER, icmp6(mac, local, 134), false},
	    {"router advertisement of the router", GUARD_ROUTER, icmp6(mac, router, 134), false},
	    {"redirect", GUARD_ROUTER, icmp6(mac, local, 137), false},
	    {"advertisement for another", GUARD_FORGED_ND, neighbour(mac, own6, 136, other6, 2, mac),
	        false},
	    {"advertisement with a forged MAC", GUARD_FORGED_ND,
	        neighbour(mac, own6, 136, own6, 2, stranger), false},
	    {"solicitation with a forged MAC", GUARD_FORGED_ND,
	        neighbour(mac, own6, 135, other6, 1, stranger), false},
	    {"solicitation of another", GUARD_FORGED_ND, neighbour(mac, other6, 135, own6, 0, NULL),
	        false},
	    {"DAD for another", GUARD_FORGED_ND, neighbour(mac, none6, 135, other6, 0, NULL), false},
	    {"another IPv6 address", GUARD_FORGED_ADDRESS, udp6(mac, other6, 9, 9, 9, 9), false},
	    {"echo from another", GUARD_FORGED_ADDRESS, icmp6(mac, other6, 128), false},
	    {"IPv6 from another MAC", GUARD_FORGED_MAC, udp6(stranger, own6, 9, 9, 9, 9), false},
	    {"tagged ARP", GUARD_TAGGED, tagged(&own_arp), false},
	    {"tagged IPv4", GUARD_TAGGED, tagged(&own_udp), false},
	    {"BPDU", GUARD_LINK_LOCAL, bpdu, false},
	    {"LLDP", GUARD_LINK_LOCAL, lldp, true},
	    {"another protocol", GUARD_OTHER, exotic, false},
	};
	memcpy(ret, lies, sizeof(lies));
	return sizeof(lies) / sizeof(lies[0]);
}

static void every_lie_is_dropped_and_counted_by_its_reason(void **state)
{
	lab *l = *state;
	lie lies[LIES_MAX];
	size_t count = all_lies(l, lies);
	wire(l);
	for (size_t i = 0; i < count; i++) {
		uint64_t before[GUARD_REASONS], after[GUARD_REASONS];
		counters(before);
		if (passes(l, &lies[i].f))
			fail_msg("%s: passed", lies[i].name);
		counters(after);
		for (guard_reason r = 0; r < GUARD_REASONS; r++)
			if (after[r] - before[r] != (r == lies[i].reason))
				fail_msg("%s: counter %s grew by %llu", lies[i].name, guard_reason_name(r),
				    (unsigned long long)(after[r] - before[r]));
	}
}

static void without_a_guard_every_lie_passes(void **state)
{
	lab *l = *state;
	lie lies[LIES_MAX];
	size_t count = all_lies(l, lies);
	net_lab_wire(&l->record, &l->instance); /* guarded first: what that left must not hold */
	net_lab_machine_end(&l->instance);
	l->instance = net_lab_machine_start();
	l->record.guard = false;
	wire(l);
	for (size_t i = 0; i < count; i++)
		if (passes(l, &lies[i].f) == lies[i].is_not_forwarded &&
		    lies[i].reason != GUARD_TAGGED) /* its tag is out of band at the listener */
			fail_msg("%s: %s", lies[i].name, lies[i].is_not_forwarded ? "passed" : "did not pass");
}

static void every_truth_passes_and_counts_nothing(void **state)
{
	lab *l = *state;
	const uint8_t *mac = l->record.mac;
	const sot_ip own = l->record.address, own6 = l->record.address6;
	const sot_ip other = v4("10.100.0.12"), none4 = v4("0.0.0.0"), none6 = v4("::");
	const sot_ip local = v4("fe80::a:aff:fe64:b"), other6 = v4("fd00:64::12");
	frame garp = {.n = ANNOUNCEMENT_ARP_SIZE}, advertisement = {.n = ANNOUNCEMENT_ND_SIZE};
	announcement_arp(own, mac, garp.b);
	announcement_nd(own6, mac, advertisement.b);
	const struct {
		const char *name;
		frame f;
	} truths[] = {
	    {"its address", udp4(mac, own, 4000, 4000)},
	    {"a question to a DHCP server", udp4(mac, own, 68, 67)},
	    {"ARP reply", arp(mac, 2, mac, own, other)},
	    {"its RFC 5227 probe", arp(mac, 1, mac, none4, own)},
	    {"its announcement", garp},
	    {"its IPv6 address", udp6(mac, own6, 9, 9, 9, 9)},
	    {"its link-local address", udp6(mac, local, 9, 9, 9, 9)},
	    {"its IPv6 announcement", advertisement},
	    {"advertisement without an option", neighbour(mac, local, 136, local, 0, NULL)},
	    {"solicitation", neighbour(mac, own6, 135, other6, 1, mac)},
	    {"its DAD", neighbour(mac, none6, 135, own6, 0, NULL)},
	    {"DAD with a nonce", neighbour(mac, none6, 135, own6, 14, stranger)},
	    {"router solicitation", icmp6(mac, local, 133)},
	    {"echo", icmp6(mac, own6, 128)},
	};
	uint64_t frames[GUARD_REASONS];
	wire(l);
	for (size_t i = 0; i < sizeof(truths) / sizeof(truths[0]); i++)
		if (!passes(l, &truths[i].f))
			fail_msg("%s: did not pass", truths[i].name);
	counters(frames);
	for (guard_reason r = 0; r < GUARD_REASONS; r++)
		assert_int_equal(frames[r], 0);
}

static void elements_are_read_as_they_were_added(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	SOT_AUTO(netlink) n = NULL;
	guard_element want[GUARD_ELEMENTS_MAX], *have = NULL;
	size_t have_count = 0, count = guard_elements(&l->record, want);
	wire(l);
	assert_int_equal(netlink_open(NETLINK_NETFILTER, &n, &err), SOT_OK);
	assert_int_equal(guard_add(n, want, count, &err), SOT_OK); /* again: no error */
	assert_int_equal(guard_list(n, &have, &have_count, &err), SOT_OK);
	qsort(want, count, sizeof(want[0]), guard_element_cmp);
	assert_int_equal(have_count, count);
	assert_memory_equal(have, want, count * sizeof(want[0]));
	assert_string_equal(guard_element_link(&have[0]), l->record.host_link);
	free(have);
	assert_int_equal(guard_remove(n, &want[1], 1, &err), SOT_OK);
	assert_int_equal(guard_remove(n, &want[0], count, &err), SOT_NOT_FOUND);
	assert_int_equal(guard_list(n, &have, &have_count, &err), SOT_OK);
	assert_int_equal(have_count, count - 1); /* a batch is carried out as a whole, or not */
	free(have);
}

static void the_generation_is_another_after_each_change_and_no_other_time(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	SOT_AUTO(netlink) n = NULL;
	guard_element all[GUARD_ELEMENTS_MAX];
	size_t count = guard_elements(&l->record, all);
	uint32_t before = 0, now = 0;
	wire(l);
	assert_int_equal(netlink_open(NETLINK_NETFILTER, &n, &err), SOT_OK);
	assert_int_equal(guard_generation(n, &before, &err), SOT_OK);
	assert_int_equal(guard_generation(n, &now, &err), SOT_OK);
	assert_int_equal(now, before);
	assert_int_equal(guard_remove(n, all, 1, &err), SOT_OK);
	assert_int_equal(guard_generation(n, &now, &err), SOT_OK);
	assert_int_not_equal(now, before);
	before = now;
	assert_int_equal(guard_add(n, all, count, &err), SOT_OK);
	assert_int_equal(guard_generation(n, &now, &err), SOT_OK);
	assert_int_not_equal(now, before);
}

static void a_batch_that_is_refused_as_a_whole_says_why(void **state)
{
	enum { MANY = 250 };
	static guard_element many[MANY];
	sot_err err = {0};
	SOT_AUTO(netlink) n = NULL;
	guard_element *have = NULL;
	size_t count = 0;
	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		guard_element some[GUARD_ELEMENTS_MAX];
		net_record r = net_lab_record(100, (uint8_t)i, false);
		(void)guard_elements(&r, some);
		many[i] = some[1];
	}
	assert_int_equal(netlink_open(NETLINK_NETFILTER, &n, &err), SOT_OK);
	assert_int_equal(guard_add(n, many, MANY, &err), SOT_OK);
	assert_int_equal(guard_list(n, &have, &count, &err), SOT_OK);
	assert_int_equal(count, MANY);
	free(have);
	n = netlink_free(n);
	net_lab_reboot(); /* no table there */
	assert_int_equal(netlink_open(NETLINK_NETFILTER, &n, &err), SOT_OK);
	assert_int_equal(guard_add(n, many, MANY, &err), SOT_NOT_FOUND);
	assert_int_equal(guard_list(n, &have, &count, &err), SOT_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        every_lie_is_dropped_and_counted_by_its_reason, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(without_a_guard_every_lie_passes, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(every_truth_passes_and_counts_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_batch_that_is_refused_as_a_whole_says_why, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(elements_are_read_as_they_were_added, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        the_generation_is_another_after_each_change_and_no_other_time, set_up, tear_down),
	};
	net_lab_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
