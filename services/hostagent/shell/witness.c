#include "witness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "neighbours.h"
#include "sot_metrics.h"
#include "uplink.h"

enum { TURN_MS = 100, PING_EVERY_MS = 400, PINGS = 3, ANSWER_MS = 2000, TARGETS_MAX = 16 };

typedef struct question {
	uint64_t request_id;
	sot_ip host;
	sot_probe_target targets[TARGETS_MAX];
	sot_probe_answer answers[TARGETS_MAX], ping;
	size_t target_count;
	uint16_t id; /* of its echo requests */
	unsigned pings;
	sot_mono begun;
} question;

struct witness {
	agent *a;
	int fd;
	reactor_watch *watch, *timer;
	question *open[WITNESS_QUESTIONS_MAX];
	size_t count;
	uint16_t next_id;
	sot_metric *asked;
};

/* ---- ping ---- */

static uint16_t checksum(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	for (size_t k = 0; k + 1 < size; k += 2)
		sum += (uint32_t)p[k] << 8 | p[k + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void ping(witness *w, question *q)
{
	struct icmphdr echo = {.type = ICMP_ECHO};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(sot_ip_v4(q->host))};
	echo.un.echo.id = htons(q->id);
	echo.un.echo.sequence = htons((uint16_t)++q->pings);
	echo.checksum = checksum(&echo, sizeof(echo));
	/* An error is silence: an unreachable host is what is asked about. */
	(void)!sendto(w->fd, &echo, sizeof(echo), MSG_DONTWAIT, (struct sockaddr *)&to, sizeof(to));
}

static void hear(witness *w, const struct sockaddr_in *from, const uint8_t *p, size_t n)
{
	size_t head = n > 0 ? (size_t)(p[0] & 15) * 4 : 0;
	struct icmphdr reply;
	if (head < sizeof(struct iphdr) || n < head + sizeof(reply))
		return;
	memcpy(&reply, p + head, sizeof(reply));
	for (size_t k = 0; reply.type == ICMP_ECHOREPLY && k < w->count; k++) {
		question *q = w->open[k];
		if (q->id == ntohs(reply.un.echo.id) && sot_ip_v4(q->host) == ntohl(from->sin_addr.s_addr))
			q->ping = SOT_PROBE_ANSWER_ANSWERED;
	}
}

static void on_readable(void *self, int fd, int events)
{
	uint8_t frame[576];
	struct sockaddr_in from = {0};
	(void)events;
	for (int k = 0; k < 64; k++) {
		socklen_t size = sizeof(from);
		ssize_t n =
		    recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &size);
		if (n < 0)
			return;
		hear(self, &from, frame, (size_t)n);
	}
}

/* ---- addresses on the VLANs ---- */

static sot_probe_answer look(const witness *w, const sot_probe_target *t)
{
	if (!neighbours_reach(w->a->neighbours, t->vlan_id))
		return SOT_PROBE_ANSWER_UNKNOWN;
	const probe *x = probes_ask(w->a->probes, t->vlan_id, t->address, reactor_now(w->a->loop));
	if (!x || x->state == PROBE_RUNNING || x->state == PROBE_FAILED)
		return SOT_PROBE_ANSWER_UNKNOWN;
	bool is_its =
	    x->state == PROBE_ANSWERED && memcmp(x->answer.b, t->mac.b, sizeof(t->mac.b)) == 0;
	return is_its ? SOT_PROBE_ANSWER_ANSWERED : SOT_PROBE_ANSWER_SILENT;
}

/* ---- questions ---- */

static bool is_settled(const question *q)
{
	bool all = q->ping == SOT_PROBE_ANSWER_ANSWERED;
	for (size_t k = 0; k < q->target_count; k++)
		all = all || q->answers[k] == SOT_PROBE_ANSWER_ANSWERED;
	return all;
}

static void advance(witness *w, question *q, int64_t age_ms)
{
	for (size_t k = 0; k < q->target_count; k++) {
		sot_probe_answer found = look(w, &q->targets[k]);
		if (found != SOT_PROBE_ANSWER_UNKNOWN)
			q->answers[k] = found;
	}
	if (q->host.family == 4 && q->pings < PINGS && age_ms >= (int64_t)q->pings * PING_EVERY_MS)
		ping(w, q);
}

static void tell(witness *w, question *q)
{
	if (q->ping == SOT_PROBE_ANSWER_UNKNOWN && q->pings > 0)
		q->ping = SOT_PROBE_ANSWER_SILENT;
	sot_host_probed m = {.request_id = q->request_id,
	    .host = q->ping,
	    .targets = q->answers,
	    .targets_count = q->target_count};
	uplink_probed(w->a->uplink, &m);
	free(q);
}

/* One answer of anybody ends a question at once; silence takes its time. */
static void on_turn(void *self, uint64_t missed)
{
	witness *w = self;
	(void)missed;
	for (size_t k = w->count; k-- > 0;) {
		question *q = w->open[k];
		int64_t age_ms = sot_mono_diff_ms(reactor_now(w->a->loop), q->begun);
		advance(w, q, age_ms);
		if (!is_settled(q) && age_ms < ANSWER_MS)
			continue;
		w->open[k] = w->open[--w->count];
		tell(w, q);
	}
	neighbours_pump(w->a->neighbours);
	reactor_rearm_ms(w->timer, w->count > 0 ? TURN_MS : -1);
}

void witness_ask(witness *w, const sot_host_probe *m)
{
	if (w->count == WITNESS_QUESTIONS_MAX)
		return;
	question *q = sot_alloc(sizeof(*q));
	q->request_id = m->request_id;
	q->host = m->host;
	q->target_count = m->targets_count < TARGETS_MAX ? m->targets_count : TARGETS_MAX;
	for (size_t k = 0; k < q->target_count; k++)
		q->targets[k] = m->targets[k];
	q->id = ++w->next_id;
	q->begun = reactor_now(w->a->loop);
	w->open[w->count++] = q;
	sot_metric_add(w->asked, 1);
	reactor_rearm_ms(w->timer, 0);
}

sot_code witness_new(agent *a, witness **ret, sot_err *err)
{
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMP);
	if (fd < 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno,
		    "raw socket for pings of silent hosts (the agent needs CAP_NET_RAW)");
	witness *w = sot_alloc(sizeof(*w));
	*w = (witness){.a = a, .fd = fd, .next_id = (uint16_t)a->start_id};
	w->asked = sot_counter("sot_hostagent_witness_total", NULL, "questions about silent hosts");
	w->watch = reactor_add_fd(a->loop, fd, REACTOR_READ, on_readable, w);
	w->timer = reactor_after_ms(a->loop, -1, on_turn, w);
	*ret = w;
	return SOT_OK;
}

witness *witness_free(witness *w)
{
	if (!w)
		return NULL;
	reactor_remove(w->watch);
	reactor_remove(w->timer);
	close(w->fd);
	for (size_t k = 0; k < w->count; k++)
		free(w->open[k]);
	free(w);
	return NULL;
}
