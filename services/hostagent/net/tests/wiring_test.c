/* Wires instances on real links: addresses, routes, limits, isolation, and the ways it can fail. */
#include "net_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_bridge.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "announcement.h"
#include "net_address.h"

typedef struct lab {
	host_network *network;
	char *folder;
} lab;

static int set_up(void **state)
{
	lab *l = sot_alloc(sizeof(*l));
	l->folder = net_lab_folder();
	l->network = net_lab_network(l->folder, true);
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	lab *l = *state;
	host_network_free(l->network);
	net_lab_folder_remove(l->folder);
	free(l);
	return 0;
}

/* Fails the test unless wiring fails; what it said. */
static sot_code refusal(const net_record *record, const net_lab_machine *m, sot_err *err)
{
	instance_announcer announcer;
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const instance_net_context context = {.netns_fd = m->netns_fd, .host_netns_fd = host};
	sot_code code = instance_net_wire(record, &context, &announcer, err);
	close(host);
	return code;
}

typedef struct inside {
	net_link eth0, lo;
	net_address addresses[16];
	size_t count;
	char setting[64];
} inside;

static void look(void *self)
{
	inside *i = self;
	net_address *all = NULL;
	size_t count = 0;
	SOT_AUTO(netlink) n = NULL;
	assert_int_equal(netlink_open(NETLINK_ROUTE, &n, NULL), SOT_OK);
	assert_int_equal(net_link_get(n, "eth0", &i->eth0, NULL), SOT_OK);
	assert_int_equal(net_link_get(n, "lo", &i->lo, NULL), SOT_OK);
	assert_int_equal(net_address_list(n, &all, &count, NULL), SOT_OK);
	for (size_t k = 0; k < count && i->count < 16; k++)
		if (all[k].index == i->eth0.index)
			i->addresses[i->count++] = all[k];
	free(all);
	FILE *file = fopen("/proc/sys/net/ipv4/ping_group_range", "re");
	if (file) {
		assert_non_null(fgets(i->setting, sizeof(i->setting), file));
		(void)fclose(file);
	}
}

static bool has_address(const inside *i, const char *want)
{
	char text[SOT_IP_TEXT];
	for (size_t k = 0; k < i->count; k++)
		if (strcmp(sot_ip_format(i->addresses[k].address, text), want) == 0)
			return true;
	return false;
}

static void an_instance_has_all_that_its_record_says(void **state)
{
	(void)state;
	net_lab_machine m = net_lab_machine_start();
	net_record r = net_lab_record(100, 11, true);
	inside i = {.count = 0};
	net_link port, bridge;
	r.mtu = 1400;
	r.bandwidth_kbit = 50000;
	net_lab_wire(&r, &m);
	net_lab_inside(&m, look, &i);
	assert_true(has_address(&i, "10.100.0.11") && has_address(&i, "fd00:64::b") &&
	            has_address(&i, "fe80::a:aff:fe64:b"));
	assert_int_equal(i.count, 3);
	assert_memory_equal(i.eth0.mac, r.mac, 6);
	assert_int_equal(i.eth0.mtu, 1400);
	assert_string_equal(i.eth0.qdisc, "tbf");
	assert_true((i.eth0.flags & IFF_UP) && (i.lo.flags & IFF_UP));
	assert_true(strncmp(i.setting, "0\t2147483647", 12) == 0);
	assert_true(net_lab_find(r.host_link, &port) && net_lab_find("br100", &bridge));
	assert_int_equal(port.master, bridge.index);
	assert_int_equal(port.port_state, BR_STATE_FORWARDING);
	assert_string_equal(port.qdisc, "tbf");
	assert_int_equal(port.mtu, 1400);
	assert_int_equal(bridge.mtu, 1500); /* one instance's MTU is not everybody's */
	net_lab_machine_end(&m);
}

static void limit_inside(const net_lab_machine *m, const net_record *r, uint32_t kbit, bool changes)
{
	bool changed = !changes;
	sot_err err = {0};
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(instance_net_limit(m->netns_fd, host, r->mac, kbit, &changed, &err), SOT_OK);
	assert_int_equal(changed, changes);
	close(host);
}

static void what_a_running_instance_sends_is_limited_anew_or_no_more(void **state)
{
	(void)state;
	net_lab_machine m = net_lab_machine_start();
	net_record r = net_lab_record(100, 11, false);
	inside i = {.count = 0};
	net_lab_wire(&r, &m);
	net_lab_inside(&m, look, &i);
	assert_string_not_equal(i.eth0.qdisc, "tbf");
	limit_inside(&m, &r, 50000, true);
	i = (inside){.count = 0};
	net_lab_inside(&m, look, &i);
	assert_string_equal(i.eth0.qdisc, "tbf");
	limit_inside(&m, &r, 50000, false);
	limit_inside(&m, &r, 80000, true);
	limit_inside(&m, &r, 0, true);
	limit_inside(&m, &r, 0, false);
	i = (inside){.count = 0};
	net_lab_inside(&m, look, &i);
	assert_string_not_equal(i.eth0.qdisc, "tbf");
	/* A namespace that has become another one's is left alone. */
	bool changed = false;
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	r.mac[5] ^= 1;
	assert_int_equal(
	    instance_net_limit(m.netns_fd, host, r.mac, 1000, &changed, NULL), SOT_CONFLICT);
	close(host);
	net_lab_machine_end(&m);
}

static void without_an_ipv6_address_there_is_no_ipv6(void **state)
{
	(void)state;
	net_lab_machine m = net_lab_machine_start();
	net_record r = net_lab_record(100, 12, false);
	inside i = {.count = 0};
	net_lab_wire(&r, &m);
	net_lab_inside(&m, look, &i);
	assert_int_equal(i.count, 1);
	assert_true(has_address(&i, "10.100.0.12"));
	net_lab_machine_end(&m);
}

/* Connects to an address beyond the gateway: that needs the default route, no packet is sent. */
static void route_outwards(void *self)
{
	const struct sockaddr_in far4 = {
	    .sin_family = AF_INET, .sin_port = 1, .sin_addr = {htonl(0x08080808)}};
	struct sockaddr_in6 far6 = {.sin6_family = AF_INET6, .sin6_port = 1};
	int *failed = self;
	far6.sin6_addr.s6_addr[0] = 0x20;
	int a = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int b = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	*failed += connect(a, (const struct sockaddr *)&far4, sizeof(far4)) != 0;
	*failed += connect(b, (const struct sockaddr *)&far6, sizeof(far6)) != 0;
	close(a);
	close(b);
}

static void both_default_routes_are_set(void **state)
{
	(void)state;
	net_lab_machine m = net_lab_machine_start();
	net_record r = net_lab_record(100, 13, true);
	int failed = 0;
	net_lab_inside(&m, route_outwards, &failed);
	assert_int_equal(failed, 2);
	net_lab_wire(&r, &m);
	failed = 0;
	net_lab_inside(&m, route_outwards, &failed);
	assert_int_equal(failed, 0);
	net_lab_machine_end(&m);
}

/* As a process that has given all its rights away. */
static void ping_as_nobody(void *self)
{
	int status = 0;
	pid_t child = fork();
	if (child == 0) {
		bool ok = setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0;
		_exit(ok && socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP) >= 0 ? 0 : errno);
	}
	(void)waitpid(child, &status, 0);
	*(int *)self = WEXITSTATUS(status);
}

static void everybody_may_ping_without_rights(void **state)
{
	(void)state;
	net_lab_machine m = net_lab_machine_start();
	net_record r = net_lab_record(100, 14, false);
	int why = 0;
	net_lab_inside(&m, ping_as_nobody, &why);
	assert_int_equal(why, EACCES);
	net_lab_wire(&r, &m);
	net_lab_inside(&m, ping_as_nobody, &why);
	assert_int_equal(why, 0);
	net_lab_machine_end(&m);
}

/* Whether an ARP request from `from` reaches `to`, which is on the same bridge. */
static bool is_heard(const net_record *r, const net_lab_machine *from, int to, int ms)
{
	uint8_t frame[ANNOUNCEMENT_ARP_SIZE], got[NET_LAB_FRAME_MAX];
	int tap = net_lab_tap(from);
	announcement_arp(r->address, r->mac, frame);
	net_lab_send(tap, frame, sizeof(frame));
	close(tap);
	for (size_t n; (n = net_lab_receive(to, ms, got)) > 0;)
		if (n >= 42 && memcmp(got + 6, r->mac, 6) == 0)
			return true;
	return false;
}

static void isolated_instances_reach_others_but_not_each_other(void **state)
{
	(void)state;
	net_record r[3] = {net_lab_record(100, 21, false), net_lab_record(100, 22, false),
	    net_lab_record(100, 23, false)};
	net_lab_machine m[3];
	int tap[3];
	r[0].isolated = r[1].isolated = true;
	for (size_t i = 0; i < 3; i++) {
		m[i] = net_lab_machine_start();
		net_lab_wire(&r[i], &m[i]);
	}
	for (size_t i = 0; i < 3; i++)
		tap[i] = net_lab_tap(&m[i]);
	assert_true(is_heard(&r[0], &m[0], tap[2], 2000)); /* the third hears it first: */
	assert_false(is_heard(&r[0], &m[0], tap[1], 0));   /* so the second never will */
	assert_true(is_heard(&r[2], &m[2], tap[0], 2000));
	assert_true(is_heard(&r[2], &m[2], tap[1], 2000));
	for (size_t i = 0; i < 3; i++) {
		close(tap[i]);
		net_lab_machine_end(&m[i]);
	}
}

static void a_leftover_link_is_replaced(void **state)
{
	(void)state;
	net_record r = net_lab_record(100, 31, false);
	net_lab_machine first = net_lab_machine_start(), second = net_lab_machine_start();
	net_link before, after;
	net_lab_wire(&r, &first);
	assert_true(net_lab_find(r.host_link, &before));
	net_lab_wire(&r, &second); /* the first namespace is still there */
	assert_true(net_lab_find(r.host_link, &after));
	assert_int_not_equal(before.index, after.index);
	net_lab_machine_end(&first);
	net_lab_machine_end(&second);
}

static void what_cannot_be_wired_is_told_in_words(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	net_lab_machine m = net_lab_machine_start();
	net_record r = net_lab_record(101, 41, false);
	assert_int_equal(refusal(&r, &m, &err), SOT_NOT_FOUND);
	assert_non_null(strstr(err.text, "bridge br101 of VLAN 101 does not exist"));

	r = net_lab_record(100, 42, false);
	net_lab_add_pair("notabridge", "peer");
	(void)snprintf(r.bridge, sizeof(r.bridge), "notabridge");
	assert_int_equal(refusal(&r, &m, &err), SOT_CONFLICT);
	assert_non_null(strstr(err.text, "not a bridge"));

	/* A link of that name that is no left-over stays. */
	r = net_lab_record(100, 43, false);
	host_network *other = NULL;
	host_network_report report = {.count = 0};
	host_network_place place;
	const host_network_settings settings = {
	    .state_dir = l->folder, .uplinks = {"", "", "", r.host_link, "", ""}};
	assert_int_equal(host_network_new(&settings, &other, &err), SOT_OK);
	assert_int_equal(host_network_make(other, 0, &place, &report, &err), SOT_OK);
	assert_int_equal(refusal(&r, &m, &err), SOT_CONFLICT);
	assert_non_null(strstr(err.text, "is a bridge, not a left-over veth"));
	host_network_free(other);

	/* No table: a guarded instance does not run unguarded. */
	net_lab_reboot();
	r = net_lab_record(100, 44, false);
	assert_int_equal(refusal(&r, &m, &err), SOT_NOT_FOUND);
	assert_non_null(strstr(err.text, "guard table"));
	net_lab_machine_end(&m);
}

/* The port forwards before the announcement is sent: a listener on another port hears every one. */
static void no_announcement_is_lost(void **state)
{
	(void)state;
	enum { ATTACHES = 200 };
	net_lab_machine neighbour = net_lab_neighbour("br100", "neighbour");
	int tap = net_lab_tap(&neighbour);
	for (unsigned i = 0; i < ATTACHES; i++) {
		uint8_t got[NET_LAB_FRAME_MAX], arp[ANNOUNCEMENT_ARP_SIZE], nd[ANNOUNCEMENT_ND_SIZE];
		bool arp_came = false, nd_came = false;
		net_record r = net_lab_record(100, (uint8_t)(50 + i), true);
		net_lab_machine m = net_lab_machine_start();
		announcement_arp(r.address, r.mac, arp);
		announcement_nd(r.address6, r.mac, nd);
		net_lab_wire(&r, &m);
		while (!arp_came || !nd_came) {
			size_t n = net_lab_receive(tap, 5000, got);
			if (n == 0)
				fail_msg("attach %u: %s was lost", i, arp_came ? "advertisement" : "ARP");
			arp_came = arp_came || (n >= sizeof(arp) && memcmp(got, arp, sizeof(arp)) == 0);
			nd_came = nd_came || (n == sizeof(nd) && memcmp(got, nd, sizeof(nd)) == 0);
		}
		net_lab_machine_end(&m);
	}
	close(tap);
	net_lab_machine_end(&neighbour);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        an_instance_has_all_that_its_record_says, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        what_a_running_instance_sends_is_limited_anew_or_no_more, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        without_an_ipv6_address_there_is_no_ipv6, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(both_default_routes_are_set, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(everybody_may_ping_without_rights, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        isolated_instances_reach_others_but_not_each_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_leftover_link_is_replaced, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(what_cannot_be_wired_is_told_in_words, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(no_announcement_is_lost, set_up, tear_down),
	};
	net_lab_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
