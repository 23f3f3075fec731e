/* bench_attach - how long a container waits for its network.
 *
 *   attach_hook      sotalia-net-hook as runc starts it, 100 in a row: process, record, guard,
 * veth, address, route, forwarding, first announcement; peer: the same steps by iproute2 and nft
 *   attach_full      with IPv6, limits in both directions and isolation besides
 *   announcements_lost   of 1,000 attaches, by a listener on another port of the bridge
 *   guard_cost       datagrams a second that an instance sends, with the guard and without any
 * table limit_*          TCP through a limit of 100 Mbit/s, from and to the instance
 */
#include "bench.h"
#include "net_lab.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "announcement.h"

enum {
	ATTACHES = 100,
	ANNOUNCED = 1000,
	LOADS = 25,
	LOAD_MS = 100,
	LIMIT_KBIT = 100000,
	LIMIT_MS = 3000
};

static void ends(const char *why)
{
	(void)fprintf(stderr, "bench_attach: %s\n", why);
	exit(1);
}

typedef struct host {
	host_network *network;
	char *folder;
	int netns_fd;
} host;

static void make_host(host *h, bool with_guard)
{
	sot_err err = {0};
	host_network_report report = {.count = 0};
	host_network_place place;
	h->folder = net_lab_folder();
	net_lab_reboot();
	h->netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	net_lab_add_pair("eth1.100", "wire");
	const host_network_settings settings = {
	    .state_dir = h->folder, .uplinks = {"eth1", "", "", "sotbr0", "", ""}};
	if (host_network_new(&settings, &h->network, &err) != SOT_OK ||
	    host_network_make(h->network, 100, &place, &report, &err) != SOT_OK ||
	    (with_guard && host_network_make_guard(h->network, &report, &err) != SOT_OK))
		ends(err.text);
}

static void end_host(host *h)
{
	host_network_free(h->network);
	net_lab_folder_remove(h->folder);
	close(h->netns_fd);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double share(double *values, size_t count, double part)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[(size_t)((double)(count - 1) * part + 0.5)];
}

static void start_and_wait(const char *program, char *const arguments[], const char *input)
{
	posix_spawn_file_actions_t actions;
	char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	char *const environment[] = {path, NULL};
	int status = 0;
	pid_t child = 0;
	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, input ? input : "/dev/null", O_RDONLY, 0);
	if (posix_spawn(&child, program, &actions, NULL, arguments, environment) != 0 ||
	    waitpid(child, &status, 0) != child || status != 0)
		ends(program);
	(void)posix_spawn_file_actions_destroy(&actions);
}

static void write_state(
    const host *h, const char *id, const net_lab_machine *m, char path[static 200])
{
	char name[64], text[200];
	(void)snprintf(text, sizeof(text),
	    "{\"ociVersion\":\"1.0.2\",\"id\":\"%s\",\"status\":\"creating\",\"pid\":%d,\"bundle\":\"/"
	    "b\"}",
	    id, (int)m->pid);
	(void)snprintf(name, sizeof(name), "%s.state", id);
	net_lab_write(h->folder, name, text);
	(void)snprintf(path, 200, "%s/%s", h->folder, name);
}

/* Milliseconds of one start of the hook. */
static double attach_by_hook(const host *h, const net_record *r, const net_lab_machine *m)
{
	char program[] = NET_HOOK, option[200], state[200];
	char *const arguments[] = {program, option, NULL};
	net_lab_record_save(h->folder, "bench", r);
	write_state(h, "bench", m, state);
	(void)snprintf(option, sizeof(option), "--state=%s", h->folder);
	int64_t begin = bench_now_ns();
	start_and_wait(NET_HOOK, arguments, state);
	return (double)(bench_now_ns() - begin) / 1e6;
}

/* The same by tools, as few processes as they allow; without the announcement, for arping waits. */
static double attach_by_tools(const net_record *r, const net_lab_machine *m)
{
	static const char format[] =
	    "nft -f - <<E\n"
	    "add element bridge sotalia mac { %s . %s }\n"
	    "add element bridge sotalia ipv4 { %s . %s . %s }\n"
	    "E\n"
	    "ip link add %s group 20641 mtu 1500 type veth peer name eth0 address %s mtu 1500 netns %d "
	    "&& "
	    "sysctl -qw net.ipv6.conf.%s.disable_ipv6=1 && ip link set %s master br100 up && "
	    "nsenter --net=/proc/%d/ns/net sh -c '"
	    "sysctl -qw net.ipv4.conf.eth0.arp_ignore=1 net.ipv4.conf.eth0.arp_announce=2 "
	    "net.ipv6.conf.eth0.disable_ipv6=1 net.ipv4.ping_group_range=\"0 2147483647\" && "
	    "printf \"link set lo up\\naddr add %s/24 dev eth0\\nlink set eth0 up\\n"
	    "route add default via 10.100.0.1 dev eth0\\n\" | ip -batch -' && "
	    "until ip -d link show %s | grep -q \"state forwarding\"; do :; done\n";
	char script[2000], shell[] = "sh", option[] = "-ec", mac[18], ip[SOT_IP_TEXT];
	char *const arguments[] = {shell, option, script, NULL};
	const char *link = r->host_link;
	(void)snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", r->mac[0], r->mac[1],
	    r->mac[2], r->mac[3], r->mac[4], r->mac[5]);
	sot_ip_format(r->address, ip);
	(void)snprintf(script, sizeof(script), format, link, mac, link, mac, ip, link, mac, (int)m->pid,
	    link, link, (int)m->pid, ip, link);
	int64_t begin = bench_now_ns();
	start_and_wait("/bin/sh", arguments, NULL);
	return (double)(bench_now_ns() - begin) / 1e6;
}

typedef enum way { WAY_HOOK, WAY_FULL, WAY_TOOLS } way;

/* 100 in a row, all of them alive at the end, as on a host that boots. */
static void attach_many(way by, double ret_ms[static ATTACHES])
{
	host h;
	net_lab_machine m[ATTACHES];
	make_host(&h, true);
	for (unsigned i = 0; i < ATTACHES; i++)
		m[i] = net_lab_machine_start();
	for (unsigned i = 0; i < ATTACHES; i++) {
		net_record r = net_lab_record(100, (uint8_t)(10 + i), by == WAY_FULL);
		r.bandwidth_kbit = by == WAY_FULL ? LIMIT_KBIT : 0;
		r.isolated = by == WAY_FULL;
		ret_ms[i] = by == WAY_TOOLS ? attach_by_tools(&r, &m[i]) : attach_by_hook(&h, &r, &m[i]);
	}
	for (unsigned i = 0; i < ATTACHES; i++)
		net_lab_machine_end(&m[i]);
	end_host(&h);
}

static void bench_attaches(bench *b)
{
	double hook[ATTACHES], full[ATTACHES], tools[ATTACHES];
	attach_many(WAY_HOOK, hook);
	attach_many(WAY_FULL, full);
	attach_many(WAY_TOOLS, tools);
	bench_figure(b, "attach_hook_p50", share(hook, ATTACHES, 0.5), "ms", "<= 3",
	    share(tools, ATTACHES, 0.5));
	bench_figure(b, "attach_hook_p99", share(hook, ATTACHES, 0.99), "ms", "<= 20",
	    share(tools, ATTACHES, 0.99));
	bench_figure(b, "attach_full_p50", share(full, ATTACHES, 0.5), "ms", NULL, BENCH_NONE);
	bench_figure(b, "attach_full_p99", share(full, ATTACHES, 0.99), "ms", NULL, BENCH_NONE);
}

static void bench_announcements(bench *b)
{
	host h;
	unsigned lost = 0;
	make_host(&h, true);
	net_lab_machine listener = net_lab_neighbour("br100", "listener");
	int tap = net_lab_tap(&listener);
	for (unsigned i = 0; i < ANNOUNCED; i++) {
		uint8_t want[ANNOUNCEMENT_ARP_SIZE], got[NET_LAB_FRAME_MAX];
		net_record r = net_lab_record(100, (uint8_t)(10 + i % 200), true);
		net_lab_machine m = net_lab_machine_start();
		bool came = false;
		announcement_arp(r.address, r.mac, want);
		net_lab_wire(&r, &m);
		for (size_t n; !came && (n = net_lab_receive(tap, 1000, got)) > 0;)
			came = n >= sizeof(want) && memcmp(got, want, sizeof(want)) == 0;
		lost += !came;
		net_lab_machine_end(&m);
	}
	close(tap);
	net_lab_machine_end(&listener);
	end_host(&h);
	bench_figure(b, "announcements_lost_of_1000", lost, "frames", "= 0", BENCH_NONE);
}

/* Sockets of an instance and of one that it talks to. */
typedef struct pair {
	host h;
	net_record from_record, to_record;
	net_lab_machine from, to;
} pair;

typedef enum pair_guard { GUARD_NONE, GUARD_ELSEWHERE, GUARD_HERE } pair_guard;

static void make_pair(pair *p, pair_guard guard, uint32_t kbit)
{
	make_host(&p->h, guard != GUARD_NONE);
	p->from_record = net_lab_record(100, 11, false);
	p->to_record = net_lab_record(100, 12, false);
	p->from_record.guard = guard == GUARD_HERE;
	p->from_record.bandwidth_kbit = kbit;
	p->to_record.guard = false;
	p->from = net_lab_machine_start();
	p->to = net_lab_machine_start();
	net_lab_wire(&p->from_record, &p->from);
	net_lab_wire(&p->to_record, &p->to);
}

static void end_pair(pair *p)
{
	net_lab_machine_end(&p->from);
	net_lab_machine_end(&p->to);
	end_host(&p->h);
}

typedef struct opened {
	int type, fd;
	const net_record *bind_to, *connect_to;
} opened;

static void open_socket(void *self)
{
	opened *o = self;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(4000)};
	o->fd = socket(AF_INET, o->type | SOCK_CLOEXEC, 0);
	if (o->bind_to) {
		a.sin_addr.s_addr = htonl(sot_ip_v4(o->bind_to->address));
		if (bind(o->fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
		    (o->type == SOCK_STREAM && listen(o->fd, 1) != 0))
			ends("bind");
	} else {
		a.sin_addr.s_addr = htonl(sot_ip_v4(o->connect_to->address));
		if (connect(o->fd, (struct sockaddr *)&a, sizeof(a)) != 0)
			ends("connect");
	}
}

static int64_t cpu_now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Datagrams in a second of CPU time, for a while; the whole way to the other's socket is in the
 * sender's time, what other programs do meanwhile is not. */
static double load(int fd)
{
	uint64_t count = 0;
	int64_t begin = cpu_now_ns(), now = begin;
	while (now - begin < LOAD_MS * 1000000LL) {
		for (unsigned i = 0; i < 64; i++)
			count += send(fd, "0123456789abcdef", 16, 0) == 16;
		now = cpu_now_ns();
	}
	return (double)count * 1e9 / (double)(now - begin);
}

static void bench_guard(bench *b)
{
	enum { PAIRS = GUARD_HERE + 1 };
	pair pairs[PAIRS];
	int sender[PAIRS], receiver[PAIRS];
	double best[PAIRS] = {0};
	for (int i = 0; i < PAIRS; i++) {
		make_pair(&pairs[i], (pair_guard)i, 0);
		opened to = {.type = SOCK_DGRAM, .bind_to = &pairs[i].to_record};
		opened from = {.type = SOCK_DGRAM, .connect_to = &pairs[i].to_record};
		net_lab_inside(&pairs[i].to, open_socket, &to);
		net_lab_inside(&pairs[i].from, open_socket, &from);
		sender[i] = from.fd;
		receiver[i] = to.fd;
		(void)load(sender[i]); /* warm: ARP, caches */
	}
	for (int k = 0; k < LOADS * PAIRS; k++) {
		double rate = load(sender[k % PAIRS]);
		if (rate > best[k % PAIRS])
			best[k % PAIRS] = rate;
	}
	bench_figure(b, "guarded_datagrams", best[GUARD_HERE], "1/s", NULL, best[GUARD_NONE]);
	bench_figure(b, "guard_cost_sending", 100 * (1 - best[GUARD_HERE] / best[GUARD_NONE]), "%",
	    "<= 5", BENCH_NONE);
	bench_figure(b, "guard_cost_receiving", 100 * (1 - best[GUARD_ELSEWHERE] / best[GUARD_NONE]),
	    "%", "<= 5", BENCH_NONE);
	for (int i = 0; i < PAIRS; i++) {
		close(sender[i]);
		close(receiver[i]);
		end_pair(&pairs[i]);
	}
}

/* A child that writes for ever; the parent reads for a while. Mbit/s of payload. */
static double stream(
    const net_lab_machine *writer, const net_lab_machine *reader, const net_record *reader_record)
{
	static char block[65536];
	uint64_t bytes = 0;
	opened to = {.type = SOCK_STREAM, .bind_to = reader_record};
	net_lab_inside(reader, open_socket, &to);
	pid_t child = fork();
	if (child == 0) {
		opened from = {.type = SOCK_STREAM, .connect_to = reader_record};
		net_lab_inside(writer, open_socket, &from);
		while (send(from.fd, block, sizeof(block), MSG_NOSIGNAL) > 0) {
		}
		_exit(0);
	}
	int fd = accept4(to.fd, NULL, NULL, SOCK_CLOEXEC);
	int64_t begin = bench_now_ns() + 500000000, now = 0; /* past the burst and slow start */
	while ((now = bench_now_ns()) < begin + LIMIT_MS * 1000000LL) {
		ssize_t n = recv(fd, block, sizeof(block), 0);
		if (n <= 0)
			ends("stream");
		bytes += now >= begin ? (uint64_t)n : 0;
	}
	close(fd);
	close(to.fd);
	(void)waitpid(child, NULL, 0);
	return (double)bytes * 8 / LIMIT_MS / 1000;
}

static void bench_limits(bench *b)
{
	pair p;
	make_pair(&p, GUARD_HERE, LIMIT_KBIT);
	bench_figure(b, "limit_100_sending", stream(&p.from, &p.to, &p.to_record), "Mbit/s", "95..105",
	    BENCH_NONE);
	bench_figure(b, "limit_100_receiving", stream(&p.to, &p.from, &p.from_record), "Mbit/s",
	    "95..105", BENCH_NONE);
	end_pair(&p);
}

int main(void)
{
	sot_err err = {0};
	bench *b = bench_new("attach");
	net_lab_reboot();
	bench_attaches(b);
	bench_announcements(b);
	bench_limits(b);
	net_lab_enter(); /* one CPU: the sender pays for the whole way */
	bench_guard(b);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		ends(err.text);
	return 0;
}
