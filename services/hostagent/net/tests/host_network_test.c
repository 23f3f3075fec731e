/* Bridges, uplinks, drift and a reboot, on real links in namespaces of its own. */
#include "net_lab.h"

#include <arpa/inet.h>
#include <poll.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "guard_table.h"
#include "kernel_setting.h"
#include "net_address.h"
#include "net_shaper.h"

typedef struct lab {
	char *folder;
	host_network *network;
	netlink *route;
	host_network_report report;
	const char *untagged; /* bridge_uplink; NULL for none */
} lab;

static void begin(lab *l, const char *links, const char *bridges)
{
	sot_err err = {0};
	const host_network_settings settings = {.state_dir = l->folder,
	    .host_id.b = {[14] = 0xab, [15] = 0xcd},
	    .uplinks = {
	        "eth1", links, bridges, "sotbr0", l->untagged ? l->untagged : "", "10.66.0.1/24"}};
	if (host_network_new(&settings, &l->network, &err) != SOT_OK ||
	    netlink_open(NETLINK_ROUTE, &l->route, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	lab *l = sot_alloc(sizeof(*l));
	l->folder = net_lab_folder();
	net_lab_reboot();
	net_lab_add_pair("eth1.100", "wire100");
	net_lab_add_pair("eth1.101", "wire101");
	*state = l;
	return 0;
}

static int tear_down(void **state)
{
	lab *l = *state;
	host_network_free(l->network);
	netlink_free(l->route);
	net_lab_folder_remove(l->folder);
	free(l);
	return 0;
}

static void check(lab *l, size_t count, const uint16_t *vlans)
{
	host_network_check(l->network, vlans, count, &l->report);
}

static bool is_told(const lab *l, host_network_deed deed, const char *words)
{
	for (size_t i = 0; i < l->report.count; i++)
		if (l->report.notes[i].deed == deed && strstr(l->report.notes[i].text, words))
			return true;
	return false;
}

static void assert_told(const lab *l, host_network_deed deed, const char *words)
{
	if (is_told(l, deed, words))
		return;
	for (size_t i = 0; i < l->report.count; i++)
		print_error(
		    "%s: %s\n", host_network_deed_name(l->report.notes[i].deed), l->report.notes[i].text);
	fail_msg("not told: %s: %s", host_network_deed_name(deed), words);
}

static void assert_quiet(lab *l, size_t count, const uint16_t *vlans)
{
	check(l, count, vlans);
	for (size_t i = 0; i < l->report.count; i++)
		fail_msg("told a second time: %s", l->report.notes[i].text);
}

static net_link link_of(const char *name)
{
	net_link link = {0};
	if (!net_lab_find(name, &link))
		fail_msg("there is no link %s", name);
	return link;
}

static void change(lab *l, const char *name, const net_link_change *what)
{
	assert_int_equal(net_link_set(l->route, link_of(name).index, what, NULL), SOT_OK);
}

static void bridges_are_made_as_they_must_be_and_then_left_alone(void **state)
{
	lab *l = *state;
	static const uint8_t mac[6] = {2, 0xfe, 0xab, 0xcd, 0, 100};
	const uint16_t vlans[] = {100};
	begin(l, "", "");
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_MADE, "bridge br100");
	assert_int_equal(l->report.deeds[HOST_NETWORK_FAILED], 0);
	net_link bridge = link_of("br100"), port = link_of("eth1.100");
	assert_memory_equal(bridge.mac, mac, 6);
	assert_int_equal(bridge.stp_state + bridge.forward_delay + bridge.multicast_snooping, 0);
	assert_string_equal(bridge.alias, "sotalia VLAN 100");
	assert_true((bridge.flags & IFF_UP) && (port.flags & IFF_UP));
	assert_int_equal(port.master, bridge.index);
	assert_false(kernel_setting_differs("net/ipv6/conf/br100/disable_ipv6", "1"));
	assert_false(kernel_setting_differs("net/ipv6/conf/eth1.100/disable_ipv6", "1"));
	assert_false(kernel_setting_differs("net/bridge/bridge-nf-call-iptables", "0"));
	assert_quiet(l, 1, vlans);
}

static void all_ways_of_a_vlan_are_taken(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {100, 200, 300};
	net_lab_add_pair("access", "wire200");
	begin(l, "200=access", "300=br-dmz");
	static const uint8_t mac[6] = {2, 1, 1, 1, 1, 1};
	assert_int_equal(net_link_add_bridge(l->route, "br-dmz", mac, NULL), SOT_OK);
	check(l, 3, vlans);
	assert_told(l, HOST_NETWORK_FAILED, "br-dmz (vlan_bridges) is down");
	change(l, "br-dmz", &(net_link_change){.up = true});
	assert_quiet(l, 3, vlans);
	assert_memory_equal(link_of("br-dmz").mac, mac, 6); /* used, not changed */
	assert_string_equal(link_of("br-dmz").alias, "");
	assert_int_equal(link_of("access").master, link_of("br200").index);
}

static void the_mtu_is_the_uplinks(void **state)
{
	lab *l = *state;
	sot_err err = {0};
	host_network_place place;
	const uint16_t vlans[] = {100};
	begin(l, "", "");
	change(l, "eth1.100", &(net_link_change){.mtu = 9000});
	assert_int_equal(host_network_make(l->network, 100, &place, &l->report, &err), SOT_OK);
	assert_int_equal(place.mtu, 9000);
	check(l, 1, vlans);
	change(l, "eth1.100", &(net_link_change){.mtu = 1400});
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "br100: MTU 9000, its uplink has 1400");
	assert_int_equal(link_of("br100").mtu, 1400);
}

static void a_vlan_that_cannot_be_made_is_told_and_keeps_no_other(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {555, 100, 200, 300, 400, 101};
	net_lab_add_pair("taken", "peer");
	begin(l, "200=absent,400=taken", "300=br-absent");
	static const uint8_t mac[6] = {2, 1, 1, 1, 1, 1};
	assert_int_equal(net_link_add_bridge(l->route, "foreign", mac, NULL), SOT_OK);
	change(l, "taken", &(net_link_change){.master = link_of("foreign").index});
	assert_int_equal(net_link_add_bridge(l->route, "br101", mac, NULL), SOT_OK);
	check(l, 6, vlans);
	assert_told(l, HOST_NETWORK_FAILED, "VLAN 555: there is neither eth1.555 nor the device eth1");
	assert_told(l, HOST_NETWORK_FAILED, "VLAN 200: the link absent (vlan_links) does not exist");
	assert_told(l, HOST_NETWORK_FAILED, "VLAN 300: bridge br-absent does not exist");
	assert_told(l, HOST_NETWORK_FAILED, "VLAN 400: taken is a port of another bridge");
	assert_told(
	    l, HOST_NETWORK_FAILED, "VLAN 101: bridge br101 exists and was not made by Sotalia");
	assert_int_equal(l->report.deeds[HOST_NETWORK_FAILED], 5);
	(void)link_of("br100");
	net_link none;
	assert_false(net_lab_find("br555", &none)); /* no uplink, no bridge */
}

/* On a kernel with 8021q the device is made; without it the text says what to do. */
static void a_tagged_device_is_made_or_it_is_said_what_to_do(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {102};
	net_lab_add_pair("eth1", "trunk");
	l->untagged = "eth1"; /* the native VLAN of the same trunk */
	begin(l, "", "");
	check(l, 1, vlans);
	assert_int_equal(link_of("eth1").master, link_of("sotbr0").index);
	net_link device;
	if (net_lab_find("eth1.102", &device)) {
		assert_string_equal(device.kind, "vlan");
		assert_int_equal(device.vlan_id, 102);
		assert_int_equal(device.master, link_of("br102").index);
	} else {
		assert_told(l, HOST_NETWORK_FAILED, "load the module 8021q");
	}
}

static void run(const char *program, const char *argument, const char *input, int want)
{
	posix_spawn_file_actions_t actions;
	char text[200], *arguments[10] = {(char *)(uintptr_t)program};
	(void)snprintf(text, sizeof(text), "%s", argument);
	char *at = text;
	for (size_t i = 1; i < 9 && at; i++) /* one argument a word */
		arguments[i] = strsep(&at, " ");
	char *const environment[] = {NULL};
	int status = 0;
	pid_t child = 0;
	assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
	assert_int_equal(
	    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input ? input : "/dev/null", 0, 0),
	    0);
	assert_int_equal(posix_spawn(&child, program, &actions, NULL, arguments, environment), 0);
	(void)posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != want)
		fail_msg("%s %s: status %x", program, argument, (unsigned)status);
}

static void drift_is_found_and_repaired(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {100, 101};
	static const uint8_t wrong[6] = {2, 9, 9, 9, 9, 9};
	net_record r = net_lab_record(100, 11, true);
	net_lab_machine m = net_lab_machine_start();
	r.isolated = true;
	net_lab_record_save(l->folder, "c1", &r);
	begin(l, "", "");
	check(l, 2, vlans);
	net_lab_wire(&r, &m);
	assert_quiet(l, 2, vlans);

	FILE *call = fopen("/proc/sys/net/bridge/bridge-nf-call-iptables", "we");
	assert_true(call && fputs("1", call) >= 0 && fclose(call) == 0);
	run(IP, "link set br100 type bridge stp_state 1", NULL, 0);
	run(IP, "link set br101 type bridge mcast_snooping 1", NULL, 0);
	sot_ip address = sot_ip_from_v4(0x0a640063);
	assert_int_equal(net_address_add(l->route, link_of("br100").index, address, 24, NULL), SOT_OK);
	change(l, "br100", &(net_link_change){.mac = wrong});
	change(l, r.host_link, &(net_link_change){.master = link_of("br101").index});
	change(l, "eth1.100", &(net_link_change){.master = NET_LINK_NO_MASTER});
	kernel_setting_ipv6("eth1.100", "disable_ipv6", "0");
	change(l, r.host_link, &(net_link_change){.group = &(uint32_t){0}});
	const net_link_port free_port = {.isolated = false};
	assert_int_equal(
	    net_link_set_port(l->route, link_of(r.host_link).index, &free_port, NULL), SOT_OK);
	check(l, 2, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "bridge-nf-call-iptables");
	assert_told(l, HOST_NETWORK_REPAIRED, "br100: the host had the address 10.100.0.99");
	assert_told(l, HOST_NETWORK_REPAIRED, "br100: its MAC was another");
	assert_told(l, HOST_NETWORK_REPAIRED, "br100: STP 1, forward delay");
	assert_told(l, HOST_NETWORK_REPAIRED, "br101: STP 0, forward delay 0, multicast snooping 1");
	assert_told(l, HOST_NETWORK_REPAIRED, "sot0a64000b (instance lab-instance): was not a port");
	assert_told(l, HOST_NETWORK_REPAIRED, "isolation");
	assert_told(l, HOST_NETWORK_REPAIRED, "was not guarded");
	assert_told(l, HOST_NETWORK_REPAIRED, "br100: eth1.100 was not its port");
	assert_told(l, HOST_NETWORK_REPAIRED, "eth1.100: IPv6 of the host was on");
	assert_int_equal(l->report.deeds[HOST_NETWORK_FAILED], 0);
	assert_quiet(l, 2, vlans);
	assert_int_equal(link_of(r.host_link).master, link_of("br100").index);
	assert_true(link_of(r.host_link).isolated);
	assert_int_equal(link_of("br100").stp_state + link_of("br100").forward_delay, 0);
	net_lab_machine_end(&m);
}

/* As a hook has it between two of its steps; and as somebody has it who set it down. */
static void a_port_that_is_down_is_set_up_at_the_second_look(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {100};
	net_record r = net_lab_record(100, 11, false);
	net_lab_machine m = net_lab_machine_start();
	char down[60];
	net_lab_record_save(l->folder, "c1", &r);
	begin(l, "", "");
	check(l, 1, vlans);
	net_lab_wire(&r, &m);
	(void)snprintf(down, sizeof(down), "link set %s down", r.host_link);
	run(IP, down, NULL, 0);
	assert_quiet(l, 1, vlans);
	assert_false(link_of(r.host_link).flags & IFF_UP);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "was down");
	assert_true(link_of(r.host_link).flags & IFF_UP);
	assert_quiet(l, 1, vlans);
	net_lab_machine_end(&m);
}

/* The record changed while the instance runs. */
static void a_changed_limit_is_in_force_without_a_restart(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {100};
	net_record r = net_lab_record(100, 11, false);
	net_lab_machine m = net_lab_machine_start();
	net_lab_record_save(l->folder, "c1", &r);
	begin(l, "", "");
	check(l, 1, vlans);
	net_lab_wire(&r, &m);
	const char *previous = "noqueue";
	for (uint32_t kbit = 0; kbit <= 200000; kbit += 100000) {
		r.bandwidth_kbit = kbit;
		net_lab_record_save(l->folder, "c1", &r);
		check(l, 1, vlans);
		assert_quiet(l, 1, vlans);
		assert_string_equal(link_of(r.host_link).qdisc, kbit ? "tbf" : previous);
	}
	net_shaper *all = NULL;
	size_t count = 0;
	assert_int_equal(net_shaper_list(l->route, &all, &count, NULL), SOT_OK);
	assert_int_equal(count, 1);
	assert_int_equal(all[0].bytes_per_s, 25000000);
	free(all);
	r.bandwidth_kbit = 0;
	net_lab_record_save(l->folder, "c1", &r);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "had a limit");
	assert_string_equal(link_of(r.host_link).qdisc, previous);
	net_lab_machine_end(&m);
}

static size_t element_count(void)
{
	SOT_AUTO(netlink) n = NULL;
	guard_element *all = NULL;
	size_t count = 0;
	sot_err err = {0};
	assert_int_equal(netlink_open(NETLINK_NETFILTER, &n, &err), SOT_OK);
	if (guard_list(n, &all, &count, &err) != SOT_OK)
		return 0;
	free(all);
	return count;
}

/* As runc calls it. */
static void run_hook(const lab *l, const char *id, const net_lab_machine *m)
{
	char text[200], name[64], path[200], option[200];
	(void)snprintf(text, sizeof(text),
	    "{\"ociVersion\":\"1.0.2\",\"id\":\"%s\",\"status\":\"creating\",\"pid\":%d,\"bundle\":\"/"
	    "b\"}",
	    id, (int)m->pid);
	(void)snprintf(name, sizeof(name), "%s.state", id);
	net_lab_write(l->folder, name, text);
	(void)snprintf(path, sizeof(path), "%s/%s", l->folder, name);
	(void)snprintf(option, sizeof(option), "--state=%s", l->folder);
	run(NET_HOOK, option, path, 0);
}

static void remove_record(const lab *l, const char *id)
{
	char path[200];
	(void)snprintf(path, sizeof(path), "%s/net/%s.json", l->folder, id);
	assert_int_equal(unlink(path), 0);
}

static void a_flushed_table_is_made_again_with_its_elements(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {100};
	net_record r = net_lab_record(100, 11, true), gone = net_lab_record(100, 12, false);
	net_lab_record_save(l->folder, "c1", &r);
	net_lab_record_save(l->folder, "c2", &gone);
	begin(l, "", "");
	check(l, 1, vlans);
	size_t all = element_count();
	assert_int_equal(all, 8 + 3);
	run(NFT, "flush ruleset", NULL, 0);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "guard table sotalia: was changed or flushed");
	assert_int_equal(element_count(), all);
	/* Somebody's rule in our chain, and a chain of theirs in our table. */
	run(NFT, "insert rule bridge sotalia from accept", NULL, 0);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "guard table sotalia: was changed or flushed");
	run(NFT, "add chain bridge sotalia theirs", NULL, 0);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "guard table sotalia: was changed or flushed");
	assert_int_equal(element_count(), all);
	run(NFT, "flush set bridge sotalia ipv4", NULL, 0);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "2 elements of instances were missing");
	/* Found in order twice; what is another then is seen all the same, in the kernel and on disk.
	 */
	assert_quiet(l, 1, vlans);
	assert_quiet(l, 1, vlans);
	run(NFT, "flush set bridge sotalia ipv4", NULL, 0);
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_REPAIRED, "2 elements of instances were missing");
	assert_quiet(l, 1, vlans);
	assert_quiet(l, 1, vlans);
	net_record more = net_lab_record(100, 13, false);
	net_lab_record_save(l->folder, "c3", &more);
	check(l, 1, vlans);
	assert_int_equal(element_count(), all + 3);
	assert_quiet(l, 1, vlans);
	assert_quiet(l, 1, vlans);
	remove_record(l, "c3");
	check(l, 1, vlans);
	assert_int_equal(element_count(), all);
	/* A record that cannot be read costs nobody his guard; one that is gone takes its own along. */
	net_lab_write(l->folder, "net/c2.json", "{");
	check(l, 1, vlans);
	assert_told(l, HOST_NETWORK_FAILED, "1 records");
	assert_int_equal(element_count(), all);
	remove_record(l, "c2");
	check(l, 1, vlans);
	assert_int_equal(element_count(), all - 3);
	assert_quiet(l, 1, vlans);
}

static void an_unused_bridge_is_removed_when_it_is_empty_and_ours(void **state)
{
	lab *l = *state;
	const uint16_t vlans[] = {100, 101};
	static const uint8_t mac[6] = {2, 1, 1, 1, 1, 1};
	net_record r = net_lab_record(101, 11, false);
	net_lab_machine m = net_lab_machine_start();
	net_link none;
	begin(l, "", "");
	check(l, 2, vlans);
	assert_int_equal(net_link_add_bridge(l->route, "br77", mac, NULL), SOT_OK);
	net_lab_wire(&r, &m);
	check(l, 0, NULL);
	assert_told(l, HOST_NETWORK_REMOVED, "bridge br100: no instance needs VLAN 100");
	assert_false(net_lab_find("br100", &none));
	(void)link_of("eth1.100"); /* not made by us, so not ours to remove */
	(void)link_of("br101");    /* has an instance */
	(void)link_of("br77");     /* somebody else's */
	(void)link_of("sotbr0");
	assert_int_equal(net_link_delete(l->route, link_of(r.host_link).index, NULL), SOT_OK);
	check(l, 0, NULL);
	assert_told(l, HOST_NETWORK_REMOVED, "bridge br101");
	net_lab_machine_end(&m);
}

typedef struct talk {
	const net_record *to;
	int fd;
	bool came;
} talk;

static void listen_udp(void *self)
{
	talk *t = self;
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(4000)};
	t->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(t->fd, (const struct sockaddr *)&any, sizeof(any)), 0);
}

static void say_udp(void *self)
{
	talk *t = self;
	const struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(4000),
	    .sin_addr.s_addr = htonl(sot_ip_v4(t->to->address))};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sendto(fd, "hello", 5, 0, (const struct sockaddr *)&to, sizeof(to)), 5);
	close(fd);
}

/* Whether a datagram from one reaches the other, with all the ARP that this needs. */
static bool reaches(
    const net_lab_machine *from, const net_lab_machine *to, const net_record *address)
{
	talk t = {.to = address};
	net_lab_inside(to, listen_udp, &t);
	net_lab_inside(from, say_udp, &t);
	struct pollfd ready = {.fd = t.fd, .events = POLLIN};
	bool came = poll(&ready, 1, 3000) == 1;
	close(t.fd);
	return came;
}

/* The control plane and the agent do not run at all here: netd, then the containers' hooks. */
static void after_a_reboot_netd_and_the_hooks_wire_everything(void **state)
{
	lab *l = *state;
	enum { INSTANCES = 20 };
	net_record r[INSTANCES];
	net_lab_machine m[INSTANCES];
	char conf[200], option[220], id[16];
	net_lab_write(l->folder, "host.id", "0192f3c0-0000-7000-8000-0000000000fe\n");
	net_lab_write(l->folder, "net/vlans.json", "{\"version\":1,\"vlans\":[0,100,101]}\n");
	(void)snprintf(
	    conf, sizeof(conf), "state_dir = %s\nhost_name = h\nvlan_uplink = eth1\n", l->folder);
	net_lab_write(l->folder, "agent.conf", conf);
	(void)snprintf(option, sizeof(option), "--config=%s/agent.conf", l->folder);
	for (unsigned i = 0; i < INSTANCES; i++) {
		r[i] = net_lab_record(i % 2 ? 101 : 100, (uint8_t)(11 + i), i % 3 == 0);
		(void)snprintf(id, sizeof(id), "c%u", i);
		net_lab_record_save(l->folder, id, &r[i]);
	}
	for (int boot = 0; boot < 2; boot++) {
		net_lab_reboot();
		net_lab_add_pair("eth1.100", "wire100");
		net_lab_add_pair("eth1.101", "wire101");
		run(NETD, option, NULL, 0);
		run(NETD, option, NULL, 0); /* again: nothing changes */
		for (unsigned i = 0; i < INSTANCES; i++) {
			m[i] = net_lab_machine_start();
			(void)snprintf(id, sizeof(id), "c%u", i);
			run_hook(l, id, &m[i]);
		}
		for (unsigned i = 2; i < INSTANCES; i++)
			if (!reaches(&m[i], &m[i % 2], &r[i % 2]))
				fail_msg("boot %d: instance %u does not reach %u of its VLAN", boot, i, i % 2);
		for (unsigned i = 0; i < INSTANCES; i++)
			net_lab_machine_end(&m[i]);
	}
}

static void the_hook_has_a_missing_table_made(void **state)
{
	lab *l = *state;
	net_record r = net_lab_record(100, 11, true);
	net_lab_machine m = net_lab_machine_start();
	host_network_place place;
	sot_err err = {0};
	begin(l, "", "");
	net_lab_record_save(l->folder, "c1", &r);
	assert_int_equal(host_network_make(l->network, 100, &place, &l->report, &err), SOT_OK);
	run_hook(l, "c1", &m);
	assert_int_equal(element_count(), 8);
	net_lab_machine_end(&m);
}

static void a_list_of_vlans_is_read_strictly(void **state)
{
	lab *l = *state;
	static const char *const wrong[] = {"{\"version\":2,\"vlans\":[]}", "{\"version\":1}", "[]",
	    "{", "{\"version\":1,\"vlans\":[4095]}", "{\"version\":1,\"vlans\":[-1]}",
	    "{\"version\":1,\"vlans\":[\"1\"]}"};
	uint16_t *vlans = NULL;
	size_t count = 0;
	sot_err err = {0};
	assert_int_equal(host_network_load_vlans(l->folder, &vlans, &count, &err), SOT_NOT_FOUND);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		net_lab_write(l->folder, "net/vlans.json", wrong[i]);
		assert_int_equal(host_network_load_vlans(l->folder, &vlans, &count, &err), SOT_INVALID);
		assert_null(vlans);
	}
	net_lab_write(l->folder, "net/vlans.json", "{\"version\":1,\"vlans\":[0,100,4094]}");
	assert_int_equal(host_network_load_vlans(l->folder, &vlans, &count, &err), SOT_OK);
	assert_int_equal(count, 3);
	assert_int_equal(vlans[2], 4094);
	free(vlans);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        bridges_are_made_as_they_must_be_and_then_left_alone, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(all_ways_of_a_vlan_are_taken, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_mtu_is_the_uplinks, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_vlan_that_cannot_be_made_is_told_and_keeps_no_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_tagged_device_is_made_or_it_is_said_what_to_do, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(drift_is_found_and_repaired, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_port_that_is_down_is_set_up_at_the_second_look, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_changed_limit_is_in_force_without_a_restart, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        a_flushed_table_is_made_again_with_its_elements, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        an_unused_bridge_is_removed_when_it_is_empty_and_ours, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        after_a_reboot_netd_and_the_hooks_wire_everything, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(the_hook_has_a_missing_table_made, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(a_list_of_vlans_is_read_strictly, set_up, tear_down),
	};
	net_lab_enter();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
