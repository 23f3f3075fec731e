#include "address_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "neighbour_frames.h"
#include "sot_str.h"
#include "sot_time.h"

typedef struct asker {
	int fd, index; /* of the bridge */
	uint8_t mac[6];
	const sot_ip *addresses; /* two */
} asker;

static sot_code look_at_bridge(asker *a, const char *bridge, sot_err *err)
{
	struct ifreq request = {0};
	sot_code code =
	    sot_str_copy(sot_str_c(bridge), request.ifr_name, sizeof(request.ifr_name), err);
	if (code != SOT_OK)
		return code;
	if (ioctl(a->fd, SIOCGIFINDEX, &request) != 0)
		return sot_fail_errno(err, SOT_NOT_FOUND, errno,
		    "bridge %s does not exist on this host; sotalia-netd makes it", bridge);
	a->index = request.ifr_ifindex;
	if (ioctl(a->fd, SIOCGIFFLAGS, &request) != 0 || !(request.ifr_flags & IFF_UP))
		return sot_fail(
		    err, SOT_UNAVAILABLE, "bridge %s is down: ip link set %s up", bridge, bridge);
	if (ioctl(a->fd, SIOCGIFHWADDR, &request) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "MAC of %s", bridge);
	memcpy(a->mac, request.ifr_hwaddr.sa_data, sizeof(a->mac));
	return SOT_OK;
}

static sot_code open_asker(asker *a, const char *bridge, sot_err *err)
{
	struct sockaddr_ll here = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	/* Protocol 0: nothing of other links comes in before it is bound to the bridge. */
	a->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "a packet socket");
	sot_code code = look_at_bridge(a, bridge, err);
	here.sll_ifindex = a->index;
	if (code == SOT_OK && bind(a->fd, (struct sockaddr *)&here, sizeof(here)) != 0)
		code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "listen on bridge %s", bridge);
	return code;
}

static sot_code ask(const asker *a, sot_err *err)
{
	uint8_t frame[NEIGHBOUR_FRAME_MAX];
	for (int k = 0; k < 2; k++) {
		struct sockaddr_ll to = {.sll_family = AF_PACKET, .sll_ifindex = a->index, .sll_halen = 6};
		if (sot_ip_is_none(a->addresses[k]))
			continue;
		size_t size = neighbour_question(a->addresses[k], a->mac, frame);
		memcpy(to.sll_addr, frame, 6);
		memcpy(&to.sll_protocol, frame + 12, sizeof(to.sll_protocol));
		if (sendto(a->fd, frame, size, 0, (struct sockaddr *)&to, sizeof(to)) < 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "ask for an address");
	}
	return SOT_OK;
}

static bool is_asked_for(const asker *a, sot_ip address)
{
	return sot_ip_eq(address, a->addresses[0]) || sot_ip_eq(address, a->addresses[1]);
}

/* One frame; false when none waits. A question of another who asks before he binds is no claim. */
static bool hear(const asker *a, address_probe_answer *ret)
{
	uint8_t frame[128];
	struct sockaddr_ll from = {0};
	socklen_t size = sizeof(from);
	neighbour_claim claim = {.is_question = true};
	ssize_t n = recvfrom(a->fd, frame, sizeof(frame), 0, (struct sockaddr *)&from, &size);
	if (n < 0)
		return false;
	if (from.sll_pkttype != PACKET_OUTGOING && neighbour_read(frame, (size_t)n, &claim) &&
	    !claim.is_question && is_asked_for(a, claim.address)) {
		ret->is_used = true;
		ret->address = claim.address;
		memcpy(ret->mac, claim.mac, sizeof(ret->mac));
	}
	return true;
}

static void listen_for(const asker *a, int ms, address_probe_answer *ret)
{
	sot_mono end = sot_mono_add_ms(sot_mono_now(), ms);
	for (;;) {
		int64_t left_ms = sot_mono_diff_ms(end, sot_mono_now());
		struct pollfd ready = {.fd = a->fd, .events = POLLIN};
		if (left_ms <= 0 || poll(&ready, 1, (int)left_ms) <= 0)
			return;
		while (!ret->is_used && hear(a, ret)) {
		}
		if (ret->is_used)
			return;
	}
}

sot_code address_probe(
    const char *bridge, const sot_ip addresses[static 2], address_probe_answer *ret, sot_err *err)
{
	asker a = {.fd = -1, .addresses = addresses};
	address_probe_answer answer = {.is_used = false};
	sot_code code = open_asker(&a, bridge, err);
	for (int k = 0; code == SOT_OK && !answer.is_used && k < ADDRESS_PROBE_QUESTIONS; k++) {
		code = ask(&a, err);
		if (code == SOT_OK)
			listen_for(&a, ADDRESS_PROBE_WAIT_MS, &answer);
	}
	if (a.fd >= 0)
		close(a.fd);
	if (code == SOT_OK)
		*ret = answer;
	return code;
}
