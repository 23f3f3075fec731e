#include "neighbours.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipam_link.h"
#include "neighbour_frames.h"
#include "sot_log.h"
#include "sot_metrics.h"
#include "sot_parse.h"

enum {
	FRAMES_PER_TURN = 256,
	FRAMES_BEFORE_JUDGEMENT = 8192, /* more than the sockets hold */
	RECEIVE_BYTES = 4 * 1024 * 1024,
	CAPTURE = 128,
	EXPIRE_MS = 10000
};

typedef struct bridge_link {
	int index;
	uint16_t vlan_id;
} bridge_link;

struct neighbours {
	agent *a;
	int arp_fd, nd_fd;
	reactor_watch *arp_watch, *nd_watch, *timer, *expiry;
	bridge_link *links;
	size_t link_count;
	sot_metric *heard, *asked, *seen, *dropped, *lost;
};

/* ---- sockets ---- */

/* ARP for IPv4 on Ethernet, request or reply. */
static struct sock_filter arp_filter[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 14),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x00010800, 0, 3),
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
    BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, 2, 1, 0),
    BPF_STMT(BPF_RET | BPF_K, CAPTURE),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

/* ICMPv6 directly behind the IPv6 header, hop limit 255, types 135 and 136. */
static struct sock_filter nd_filter[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 58 << 8 | 255, 0, 4),
    BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 54),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 135, 1, 0),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 136, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, CAPTURE),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

/* The filter is there before the protocol: no frame gets past it. */
static sot_code open_socket(
    struct sock_filter *filter, size_t length, uint16_t protocol, int *ret, sot_err *err)
{
	struct sock_fprog program = {(unsigned short)length, filter};
	struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(protocol)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0 &&
	    bind(fd, (struct sockaddr *)&all, sizeof(all)) == 0) {
		int bytes = RECEIVE_BYTES; /* the default holds some 270 frames */
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
		*ret = fd;
		return SOT_OK;
	}
	int why = errno;
	if (fd >= 0)
		close(fd);
	return sot_fail_errno(err, SOT_UNAVAILABLE, why,
	    "packet socket for the probes of addresses (the agent needs CAP_NET_RAW)");
}

/* ---- hearing ---- */

static const bridge_link *link_of(const neighbours *n, int index)
{
	for (size_t i = 0; i < n->link_count; i++)
		if (n->links[i].index == index)
			return &n->links[i];
	return NULL;
}

/* Another host of this platform that asks before it binds: 02:fe begins the MACs of our bridges. It
 * asks for what it was given; who has the address answers for himself. */
static bool is_platform_question(const neighbour_claim *claim)
{
	return claim->is_question && claim->mac[0] == 0x02 && claim->mac[1] == 0xfe;
}

static void tell_stranger(neighbours *n, const sot_stranger *seen)
{
	char ip[SOT_IP_TEXT], mac[18];
	sot_metric_add(n->seen, 1);
	sot_log(SOT_WARN, "address.stranger", "address=%s vlan=%u mac=%s how=%s",
	    sot_ip_format(seen->address, ip), seen->vlan_id, sot_format_mac(seen->mac.b, mac),
	    seen->sighting == SOT_STRANGER_SIGHTING_PROBE ? "probe" : "passive");
	reconcile_stranger(n->a->reconcile, seen->vlan_id, seen->address, seen->mac);
	ipam_link_changed(n->a->ipam);
	agent_pump(n->a);
}

static void hear(neighbours *n, uint16_t vlan_id, const neighbour_claim *claim)
{
	agent *a = n->a;
	sot_mono now = reactor_now(a->loop);
	if (is_platform_question(claim))
		return;
	sot_mac mac;
	memcpy(mac.b, claim->mac, sizeof(mac.b));
	bool answered = probes_hear(a->probes, vlan_id, claim->address, mac, now);
	if (answered)
		agent_pump(a);
	if (claim->is_question && !answered)
		return;
	sot_stranger seen = {.address = claim->address,
	    .vlan_id = vlan_id,
	    .mac = mac,
	    .sighting = answered ? SOT_STRANGER_SIGHTING_PROBE : SOT_STRANGER_SIGHTING_PASSIVE,
	    .seen_unix_ms = reactor_wall(a->loop).unix_ms};
	if (strangers_hear(a->strangers, &seen, now))
		tell_stranger(n, &seen);
}

/* A flood leaves the other watches their turns; what the socket cannot hold the kernel counts. */
static void read_frames(neighbours *n, int fd, unsigned max)
{
	uint8_t frame[CAPTURE];
	for (unsigned i = 0; i < max; i++) {
		struct sockaddr_ll from = {0};
		socklen_t size = sizeof(from);
		neighbour_claim claim = {0};
		ssize_t length = recvfrom(fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &size);
		if (length < 0)
			return;
		const bridge_link *link = link_of(n, from.sll_ifindex);
		if (!link || from.sll_pkttype == PACKET_OUTGOING)
			continue;
		sot_metric_add(n->heard, 1);
		if (neighbour_read(frame, (size_t)length, &claim))
			hear(n, link->vlan_id, &claim);
	}
}

static void on_readable(void *self, int fd, int events)
{
	(void)events;
	read_frames(self, fd, FRAMES_PER_TURN);
}

/* ---- asking ---- */

static sot_code look_up(const neighbours *n, const char *bridge, struct ifreq *ret_index,
    struct ifreq *ret, sot_err *err)
{
	(void)snprintf(ret->ifr_name, sizeof(ret->ifr_name), "%s", bridge);
	*ret_index = *ret;
	if (ioctl(n->arp_fd, SIOCGIFINDEX, ret_index) != 0 || ioctl(n->arp_fd, SIOCGIFFLAGS, ret) != 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno, "bridge %s", bridge);
	if (!(ret->ifr_flags & IFF_UP))
		return sot_fail(
		    err, SOT_UNAVAILABLE, "bridge %s is down: ip link set %s up", bridge, bridge);
	return SOT_OK;
}

static sot_code send_question(neighbours *n, const probe *p, sot_err *err)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	struct ifreq index, request = {0};
	const vlan *network = vlans_get(n->a->vlans, p->vlan_id);
	if (!network || !network->ready)
		return sot_fail(err, SOT_NOT_FOUND, "this host has no VLAN %u", p->vlan_id);
	sot_code code = look_up(n, network->wire.bridge, &index, &request, err);
	if (code != SOT_OK)
		return code;
	if (ioctl(n->arp_fd, SIOCGIFHWADDR, &request) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "MAC of %s", network->wire.bridge);
	if (!link_of(n, index.ifr_ifindex))
		neighbours_changed(n); /* it was made anew under its name */
	bool is_v6 = p->address.family == 6;
	size_t length =
	    neighbour_question(p->address, (const uint8_t *)request.ifr_hwaddr.sa_data, frame);
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
	    .sll_protocol = htons(is_v6 ? ETHERTYPE_IPV6 : ETHERTYPE_ARP),
	    .sll_ifindex = index.ifr_ifindex,
	    .sll_halen = 6};
	memcpy(to.sll_addr, frame, 6);
	if (sendto(is_v6 ? n->nd_fd : n->arp_fd, frame, length, 0, (struct sockaddr *)&to, sizeof(to)) <
	    0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "send on %s", network->wire.bridge);
	return SOT_OK;
}

/* What was heard before the silence is judged has to be read before. */
static void turn(void *self, uint64_t missed)
{
	neighbours *n = self;
	agent *a = n->a;
	sot_mono now = reactor_now(a->loop);
	(void)missed;
	read_frames(n, n->arp_fd, FRAMES_BEFORE_JUDGEMENT);
	read_frames(n, n->nd_fd, FRAMES_BEFORE_JUDGEMENT);
	bool ended = probes_advance(a->probes, now);
	for (const probe *p; (p = probes_next_due(a->probes, now)) != NULL;) {
		sot_err err = {0};
		sot_metric_add(n->asked, 1);
		if (send_question(n, p, &err) == SOT_OK)
			continue;
		probes_failed(a->probes, p->vlan_id, p->address, err.text, now);
		ended = true;
	}
	if (ended)
		agent_pump(a);
	neighbours_pump(n);
}

void neighbours_pump(neighbours *n)
{
	int64_t due_ms = probes_next_due_ms(n->a->probes, reactor_now(n->a->loop));
	reactor_rearm_ms(n->timer, due_ms == INT64_MAX ? -1 : due_ms);
}

bool neighbours_reach(const neighbours *n, uint16_t vlan_id)
{
	struct ifreq index, request = {0};
	const vlan *network = vlans_get(n->a->vlans, vlan_id);
	return network && network->ready &&
	       look_up(n, network->wire.bridge, &index, &request, NULL) == SOT_OK &&
	       (request.ifr_flags & IFF_RUNNING) != 0;
}

/* ---- book-keeping ---- */

static void add_link(neighbours *n, const vlan *network)
{
	unsigned index = if_nametoindex(network->wire.bridge);
	if (index == 0)
		return;
	n->links = sot_grow_array(n->links, n->link_count, n->link_count + 1, sizeof(*n->links));
	n->links[n->link_count++] = (bridge_link){(int)index, network->id};
}

void neighbours_changed(neighbours *n)
{
	size_t at = 0;
	n->link_count = 0;
	for (const vlan *v; (v = vlans_next(n->a->vlans, &at)) != NULL;)
		if (v->ready)
			add_link(n, v);
	strangers_set_own(n->a->strangers, n->a->desired);
}

static void count_lost(neighbours *n, int fd)
{
	struct tpacket_stats {
		unsigned packets, drops;
	} stats = {0};
	socklen_t size = sizeof(stats);
	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
		sot_metric_add(n->lost, stats.drops); /* since the last reading */
}

static void expire(void *self, uint64_t missed)
{
	neighbours *n = self;
	(void)missed;
	count_lost(n, n->arp_fd);
	count_lost(n, n->nd_fd);
	sot_metric_set(n->dropped, (int64_t)strangers_dropped(n->a->strangers));
	if (strangers_expire(n->a->strangers, reactor_now(n->a->loop)) > 0)
		ipam_link_changed(n->a->ipam);
}

static void make_metrics(neighbours *n)
{
	n->heard = sot_counter(
	    "sot_hostagent_neighbour_frames_total", NULL, "ARP and ND frames heard on the VLANs.");
	n->asked = sot_counter(
	    "sot_hostagent_probe_questions_total", NULL, "Questions whether an address is in use.");
	n->seen = sot_counter(
	    "sot_hostagent_strangers_total", NULL, "New strangers seen on addresses of instances.");
	n->dropped = sot_gauge("sot_hostagent_strangers_dropped", NULL,
	    "Sightings that found no room in the table, since the start.");
	n->lost = sot_counter("sot_hostagent_neighbour_frames_lost_total", NULL,
	    "Frames that the kernel dropped because the agent was slow to read.");
}

sot_code neighbours_new(agent *a, neighbours **ret, sot_err *err)
{
	neighbours *n = sot_alloc(sizeof(*n));
	*n = (neighbours){.a = a, .arp_fd = -1, .nd_fd = -1};
	make_metrics(n);
	sot_code code = open_socket(
	    arp_filter, sizeof(arp_filter) / sizeof(arp_filter[0]), ETHERTYPE_ARP, &n->arp_fd, err);
	if (code == SOT_OK)
		code = open_socket(
		    nd_filter, sizeof(nd_filter) / sizeof(nd_filter[0]), ETHERTYPE_IPV6, &n->nd_fd, err);
	if (code != SOT_OK) {
		neighbours_free(n);
		return code;
	}
	n->arp_watch = reactor_add_fd(a->loop, n->arp_fd, REACTOR_READ, on_readable, n);
	n->nd_watch = reactor_add_fd(a->loop, n->nd_fd, REACTOR_READ, on_readable, n);
	n->timer = reactor_after_ms(a->loop, 0, turn, n);
	n->expiry = reactor_together_ms(a->loop, EXPIRE_MS, expire, n);
	*ret = n;
	return SOT_OK;
}

neighbours *neighbours_free(neighbours *n)
{
	if (n) {
		reactor_remove(n->arp_watch);
		reactor_remove(n->nd_watch);
		reactor_remove(n->timer);
		reactor_remove(n->expiry);
		if (n->arp_fd >= 0)
			close(n->arp_fd);
		if (n->nd_fd >= 0)
			close(n->nd_fd);
		free(n->links);
		free(n);
	}
	return NULL;
}
