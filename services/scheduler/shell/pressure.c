/* Back-pressure: requests wait for a commit; when the database is slow only few may.
 *
 * A request that was let in is remembered until its answer leaves. One that is sent again meanwhile
 * (its client got no answer yet) is dropped: the answer comes. When commits are slow, or very many
 * wait, new ones are refused at once with the time after which to come again; nothing was changed
 * then, and nothing grows here.
 */
#include "internal.h"

#include <stdio.h>
#include <string.h>

#include "sot_metrics.h"

#define SLOW_FOR_MS 10000 /* a slow commit is remembered so long */
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 30000

/* Who waits for which answer. */
typedef struct ticket {
	uint64_t request_id;
	uint8_t route[sizeof(((bus_peer *)0)->route)];
	uint8_t route_n;
} ticket;

static bool ticket_of(const bus_peer *peer, sot_str frame, ticket *ret)
{
	sot_wire_head head = {0};
	sot_err err;

	*ret = (ticket){.route_n = peer->route_n};
	memcpy(ret->route, peer->route, sizeof(ret->route));
	if (sot_wire_peek(frame, &head, &err) != SOT_OK)
		return false;
	ret->request_id = head.request_id;
	return true;
}

/* What a commit takes now: the last slow one of a while, or the one in flight when it takes longer.
 * A quick one in between (a heartbeat's) does not say that the database is well again. */
static int64_t commit_ms(const scheduler *s)
{
	sot_mono now = reactor_now(s->r);
	int64_t age = s->inflight ? sot_mono_diff_ms(now, s->batch_sent) : 0;
	bool was_slow =
	    s->pressure.slow_ms > 0 && sot_mono_diff_ms(now, s->pressure.slow_at) < SLOW_FOR_MS;

	return was_slow && s->pressure.slow_ms > age ? s->pressure.slow_ms : age;
}

void pressure_committed(scheduler *s, int64_t took_ms)
{
	if (took_ms < s->config->slow_commit_ms)
		return;
	s->pressure.slow_ms = took_ms;
	s->pressure.slow_at = reactor_now(s->r);
}

static void refuse(scheduler *s, const bus_peer *to, uint64_t request_id, int64_t slow_ms)
{
	char text[200];
	int64_t wait_ms = 2 * slow_ms < RETRY_MIN_MS ? RETRY_MIN_MS : 2 * slow_ms;
	sot_refused m = {.request_id = request_id, .code = SOT_REFUSAL_UNAVAILABLE};
	SOT_AUTO_BUF out = {0};
	sot_err err;

	m.retry_after_ms = (uint32_t)(wait_ms > RETRY_MAX_MS ? RETRY_MAX_MS : wait_ms);
	(void)snprintf(text, sizeof(text),
	    "the database takes %lld ms to commit and %zu changes wait for it; nothing was changed: "
	    "try "
	    "again in a while",
	    (long long)slow_ms, pressure_open(s));
	m.text = sot_str_c(text);
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_refused_encode(&m, &out, &err) == SOT_OK)
		(void)bus_reply(s->requests, to, sot_buf_str(&out), &err);
	sot_metric_add(s->metrics.requests_refused, 1);
}

size_t pressure_open(const scheduler *s)
{
	return sot_map_count(s->pressure.waiting);
}

bool pressure_admit(scheduler *s, const bus_peer *from, sot_str frame)
{
	int64_t slow_ms = commit_ms(s);
	int64_t most = slow_ms >= s->config->slow_commit_ms ? s->config->slow_requests_max
	                                                    : s->config->requests_max;
	ticket t;

	if (!ticket_of(from, frame, &t))
		return true; /* the core says what is wrong with it */
	if (sot_map_get(s->pressure.waiting, &t, sizeof(t))) {
		sot_metric_add(s->metrics.requests_repeated, 1);
		return false;
	}
	if ((int64_t)pressure_open(s) >= most) {
		refuse(s, from, t.request_id, slow_ms);
		return false;
	}
	sot_map_set(s->pressure.waiting, &t, sizeof(t), s);
	sot_metric_set(s->metrics.requests_open, (int64_t)pressure_open(s));
	return true;
}

void pressure_answered(scheduler *s, const bus_peer *to, sot_str frame)
{
	ticket t;

	if (ticket_of(to, frame, &t))
		sot_map_remove(s->pressure.waiting, &t, sizeof(t));
	sot_metric_set(s->metrics.requests_open, (int64_t)pressure_open(s));
}

void pressure_forget(scheduler *s)
{
	sot_map_free(s->pressure.waiting);
	s->pressure.waiting = sot_map_new();
	s->pressure.slow_ms = 0;
	sot_metric_set(s->metrics.requests_open, 0);
}
