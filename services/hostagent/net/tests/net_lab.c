#include "net_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/ethernet.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sot_file.h"
#include "sot_parse.h"
#include "test_folder.h"

static netlink *route(void)
{
	sot_err err = {0};
	netlink *n = NULL;
	if (netlink_open(NETLINK_ROUTE, &n, &err) != SOT_OK)
		fail_msg("%s", err.text);
	return n;
}

void net_lab_reboot(void)
{
	sot_err err = {0};
	SOT_AUTO(netlink) n = NULL;
	if (unshare(CLONE_NEWNET) != 0 || netlink_open(NETLINK_ROUTE, &n, &err) != SOT_OK ||
	    net_link_set(n, 1, &(net_link_change){.up = true}, &err) != SOT_OK) {
		(void)fprintf(stderr, "no network namespace (needs root): %s\n", err.text);
		exit(77);
	}
}

void net_lab_enter(void)
{
	cpu_set_t one;
	CPU_ZERO(&one);
	int cpu = sched_getcpu();
	CPU_SET(cpu > 0 ? (size_t)cpu : 0, &one);
	(void)sched_setaffinity(0, sizeof(one), &one);
	net_lab_reboot();
}

net_lab_machine net_lab_machine_start(void)
{
	int ready[2];
	char path[64], byte = 0;
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == 0)
			(void)!write(ready[1], "x", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	close(ready[1]);
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	return (net_lab_machine){.pid = pid, .netns_fd = fd};
}

void net_lab_machine_end(net_lab_machine *m)
{
	(void)kill(m->pid, SIGKILL);
	(void)waitpid(m->pid, NULL, 0);
	close(m->netns_fd);
}

net_record net_lab_record(uint16_t vlan, uint8_t number, bool with_v6)
{
	net_record r = {.name = "lab-instance", .vlan = vlan, .prefix = 24, .mtu = 1500, .guard = true};
	r.address = sot_ip_from_v4(10u << 24 | (uint32_t)vlan << 16 | number);
	r.gateway = sot_ip_from_v4(10u << 24 | (uint32_t)vlan << 16 | 1);
	const uint8_t mac[6] = {2, 0x0a, 10, (uint8_t)vlan, 0, number};
	memcpy(r.mac, mac, sizeof(mac));
	(void)snprintf(r.bridge, sizeof(r.bridge), "br%u", vlan);
	(void)snprintf(r.host_link, sizeof(r.host_link), "sot%08x", sot_ip_v4(r.address));
	if (with_v6) {
		r.address6 = (sot_ip){6, {0xfd, 0, 0, (uint8_t)vlan, [15] = number}};
		r.gateway6 = (sot_ip){6, {0xfd, 0, 0, (uint8_t)vlan, [15] = 1}};
		r.prefix6 = 64;
	}
	return r;
}

void net_lab_record_save(const char *state, const char *id, const net_record *r)
{
	char file[64], mac[18], address[SOT_IP_TEXT], gateway[SOT_IP_TEXT], ipv6[200] = "";
	char a6[SOT_IP_TEXT], g6[SOT_IP_TEXT], text[1000];
	if (!sot_ip_is_none(r->address6))
		(void)snprintf(ipv6, sizeof(ipv6),
		    "\"address6\":\"%s\",\"prefix6\":%u,\"gateway6\":\"%s\",",
		    sot_ip_format(r->address6, a6), r->prefix6, sot_ip_format(r->gateway6, g6));
	(void)snprintf(text, sizeof(text),
	    "{\"version\":2,\"instance\":\"x\",\"name\":\"%s\",\"bridge\":\"%s\",\"vlan\":%u,"
	    "\"address\":\"%s\",\"prefix\":%u,\"gateway\":\"%s\",%s\"mac\":\"%s\",\"host_link\":\"%s\","
	    "\"mtu\":%u,\"mounts\":[],\"isolated\":%s,\"bandwidth_kbit\":%u,\"guard\":%s}\n",
	    r->name, r->bridge, r->vlan, sot_ip_format(r->address, address), r->prefix,
	    sot_ip_format(r->gateway, gateway), ipv6, sot_format_mac(r->mac, mac), r->host_link, r->mtu,
	    r->isolated ? "true" : "false", r->bandwidth_kbit, r->guard ? "true" : "false");
	(void)snprintf(file, sizeof(file), "net/%s.json", id);
	net_lab_write(state, file, text);
}

void net_lab_wire(const net_record *record, const net_lab_machine *m)
{
	sot_err err = {0};
	instance_announcer announcer;
	int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	const instance_net_context context = {.netns_fd = m->netns_fd, .host_netns_fd = host};
	if (instance_net_wire(record, &context, &announcer, &err) != SOT_OK)
		fail_msg("%s", err.text);
	close(announcer.packet_fd);
	close(host);
}

bool net_lab_find(const char *name, net_link *ret)
{
	SOT_AUTO(netlink) n = route();
	return net_link_get(n, name, ret, NULL) == SOT_OK;
}

static void set_up(netlink *n, const char *name, int master)
{
	sot_err err = {0};
	net_link link;
	if (net_link_get(n, name, &link, &err) != SOT_OK ||
	    net_link_set(n, link.index, &(net_link_change){.up = true, .master = master}, &err) !=
	        SOT_OK)
		fail_msg("%s", err.text);
}

static void add_veth(netlink *n, const char *name, const char *peer, int netns_fd)
{
	static uint8_t number = 1;
	sot_err err = {0};
	const uint8_t mac[6] = {2, 0x77, 0, 0, 0, number++};
	const net_link_veth veth = {
	    .name = name, .peer_name = peer, .peer_mac = mac, .peer_netns_fd = netns_fd, .mtu = 1500};
	if (net_link_add_veth(n, &veth, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

void net_lab_add_pair(const char *name, const char *peer)
{
	SOT_AUTO(netlink) n = route();
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	add_veth(n, name, peer, here);
	close(here);
	set_up(n, name, 0);
	set_up(n, peer, 0);
}

static void set_up_eth0(void *self)
{
	SOT_AUTO(netlink) n = route();
	(void)self;
	FILE *off = fopen("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "we");
	if (off) {
		(void)fputs("1", off);
		(void)fclose(off);
	}
	set_up(n, "eth0", 0);
}

net_lab_machine net_lab_neighbour(const char *bridge, const char *port)
{
	SOT_AUTO(netlink) n = route();
	net_lab_machine m = net_lab_machine_start();
	net_link master, link;
	assert_true(net_lab_find(bridge, &master));
	add_veth(n, port, "eth0", m.netns_fd);
	set_up(n, port, master.index);
	net_lab_inside(&m, set_up_eth0, NULL);
	do { /* bounded by the test's time limit: a port of a bridge without STP forwards at once */
		assert_true(net_lab_find(port, &link));
	} while (link.port_state != 3);
	return m;
}

void net_lab_inside(const net_lab_machine *m, void (*fn)(void *self), void *self)
{
	int here = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	assert_int_equal(setns(m->netns_fd, CLONE_NEWNET), 0);
	fn(self);
	assert_int_equal(setns(here, CLONE_NEWNET), 0);
	close(here);
}

static void open_tap(void *self)
{
	const int on = 1, room = 8 << 20;
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(ETH_P_ALL),
	    .sll_ifindex = (int)if_nametoindex("eth0")};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL));
	assert_true(fd >= 0 && to.sll_ifindex > 0);
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)), 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	assert_int_equal(bind(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	*(int *)self = fd;
}

int net_lab_tap(const net_lab_machine *m)
{
	int fd = -1;
	net_lab_inside(m, open_tap, &fd);
	return fd;
}

void net_lab_send(int tap, const void *frame, size_t size)
{
	assert_int_equal(send(tap, frame, size, 0), size);
}

size_t net_lab_receive(int tap, int ms, uint8_t frame[static NET_LAB_FRAME_MAX])
{
	struct pollfd ready = {.fd = tap, .events = POLLIN};
	if (poll(&ready, 1, ms) <= 0)
		return 0;
	ssize_t n = recv(tap, frame, NET_LAB_FRAME_MAX, 0);
	return n > 0 ? (size_t)n : 0;
}

host_network *net_lab_network(const char *folder, bool is_guarded)
{
	sot_err err = {0};
	host_network *network = NULL;
	host_network_report report = {.count = 0};
	host_network_place place;
	net_lab_reboot();
	net_lab_add_pair("eth1.100", "wire");
	const host_network_settings settings = {.state_dir = folder,
	    .host_id.b = {[14] = 0xab, [15] = 0xcd},
	    .uplinks = {"eth1", "", "", "sotbr0", "", ""}};
	if (host_network_new(&settings, &network, &err) != SOT_OK ||
	    host_network_make(network, 100, &place, &report, &err) != SOT_OK ||
	    (is_guarded && host_network_make_guard(network, &report, &err) != SOT_OK))
		fail_msg("%s", err.text);
	assert_string_equal(place.bridge, "br100");
	assert_int_equal(place.mtu, 1500);
	return network;
}

char *net_lab_folder(void)
{
	char path[] = "/tmp/hostnet.XXXXXX", net[64];
	assert_non_null(mkdtemp(path));
	(void)snprintf(net, sizeof(net), "%s/net", path);
	assert_int_equal(mkdir(net, 0755), 0);
	return sot_strdup(path);
}

void net_lab_folder_remove(char *folder)
{
	(void)test_folder_remove(folder);
	free(folder);
}

void net_lab_write(const char *folder, const char *name, const char *text)
{
	char path[200];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (sot_file_write(path, sot_str_c(text), 0644, &err) != SOT_OK)
		fail_msg("%s", err.text);
}
