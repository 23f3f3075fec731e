/* The first start after a boot, on real links: silence lets it pass, whoever answers refuses it. */
#include "net_lab.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "boot_gate.h"
#include "net_address.h"
#include "used_record.h"

typedef struct lab {
	host_network *network;
	char *folder;
	net_lab_machine neighbour;
} lab;

static int set_up(void **state)
{
	lab *l = sot_alloc(sizeof(*l));
	l->folder = net_lab_folder();
	l->network = net_lab_network(l->folder, false);
	l->neighbour = net_lab_neighbour("br100", "theirs");
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	lab *l = *state;
	net_lab_machine_end(&l->neighbour);
	host_network_free(l->network);
	net_lab_folder_remove(l->folder);
	free(l);
	return 0;
}

/* What the wrapper leaves before a start, in a folder whose last start was in another boot. */
static void leave_copy(const lab *l, const char *boot)
{
	char text[200];
	(void)snprintf(text, sizeof(text), "{\"version\":2,\"boot_id\":\"%s\"}", boot);
	net_lab_write(l->folder, "net/c1.used.json", text);
}

static void take(void *self)
{
	const sot_ip *address = self;
	sot_err err = {0};
	net_link link;
	SOT_AUTO(netlink) n = NULL;
	FILE *on = fopen("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "we");
	if (on) {
		(void)fputs("0", on);
		(void)fclose(on);
	}
	FILE *unasked = fopen("/proc/sys/net/ipv6/conf/eth0/accept_dad", "we");
	if (unasked) {
		(void)fputs("0", unasked);
		(void)fclose(unasked);
	}
	if (netlink_open(NETLINK_ROUTE, &n, &err) != SOT_OK ||
	    net_link_get(n, "eth0", &link, &err) != SOT_OK ||
	    net_address_add(n, link.index, *address, address->family == 6 ? 64 : 24, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

/* The neighbour has the address from now on. */
static void neighbour_takes(const lab *l, sot_ip address)
{
	net_lab_inside(&l->neighbour, take, &address);
}

static sot_code pass(const lab *l, const net_record *record, sot_err *err)
{
	return boot_gate_pass(l->folder, "c1", record, err);
}

static void silence_lets_it_pass_and_the_next_start_is_asked_nothing(void **state)
{
	lab *l = *state;
	net_record r = net_lab_record(100, 11, true);
	leave_copy(l, "another");
	assert_int_equal(pass(l, &r, NULL), SOT_OK);
	boot_gate_note(l->folder, "c1");
	neighbour_takes(l, r.address);
	assert_int_equal(pass(l, &r, NULL), SOT_OK); /* not asked: nobody was heard */
}

static void an_answer_refuses_and_says_who(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	net_record r = net_lab_record(100, 11, false);
	neighbour_takes(l, r.address);
	leave_copy(l, "another");
	assert_int_equal(pass(l, &r, &err), SOT_CONFLICT);
	assert_non_null(strstr(err.text, "10.100.0.11 is in use on VLAN 100 by 02:77:"));
	assert_int_equal(pass(l, &r, &err), SOT_CONFLICT); /* again: it was not noted */
}

static void an_answer_by_ipv6_refuses(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	net_record r = net_lab_record(100, 12, true);
	neighbour_takes(l, r.address6);
	leave_copy(l, "another");
	assert_int_equal(pass(l, &r, &err), SOT_CONFLICT);
	assert_non_null(strstr(err.text, "fd00:64::c is in use"));
}

static void who_has_another_address_refuses_nothing(void **state)
{
	lab *l = *state;
	net_record r = net_lab_record(100, 13, false);
	neighbour_takes(l, sot_ip_from_v4(0x0a64000e));
	leave_copy(l, "another");
	assert_int_equal(pass(l, &r, NULL), SOT_OK);
}

static void without_its_bridge_it_does_not_pass(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	net_record r = net_lab_record(200, 11, false);
	leave_copy(l, "another");
	assert_int_equal(pass(l, &r, &err), SOT_NOT_FOUND);
	assert_non_null(strstr(err.text, "bridge br200"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(silence_lets_it_pass_and_the_next_start_is_asked_nothing),
	    TEST(an_answer_refuses_and_says_who),
	    TEST(an_answer_by_ipv6_refuses),
	    TEST(who_has_another_address_refuses_nothing),
	    TEST(without_its_bridge_it_does_not_pass),
	};
	net_lab_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
