/* What arrives on the bus: who may say it, and what a standby answers. */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

#define REPORT_BYTES_MAX 65536

static void refuse(
    scheduler *s, const bus_peer *to, sot_str frame, sot_refusal code, const char *why)
{
	SOT_AUTO_BUF out = {0};
	sot_wire_head head = {0};
	sot_err err;

	if (sot_wire_peek(frame, &head, &err) != SOT_OK)
		return;
	sot_refused m = {head.request_id, code, SOT_STR(""), sot_str_c(why)};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_refused_encode(&m, &out, &err) == SOT_OK)
		(void)bus_send(s->requests, to, sot_buf_str(&out), &err);
}

void intake_request(void *self, const bus_peer *from, sot_str frame)
{
	scheduler *s = self;
	controller_peer peer = {{0}};

	SOT_FAILPOINT_HIT("scheduler.request.received");
	if (strcmp(from->identity, "svc:api-gateway") != 0) {
		refuse(s, from, frame, SOT_REFUSAL_DENIED, "only the api-gateway may ask the scheduler");
		return;
	}
	if (s->draining || !s->c) {
		refuse(s, from, frame, SOT_REFUSAL_NOT_LEADER,
		    "this scheduler does not lead; ask another, or again in a moment");
		return;
	}
	memcpy(peer.bytes, from, sizeof(*from));
	controller_request(s->c, scheduler_now(s), &peer, frame);
	scheduler_settle(s);
}

static bool host_of(const char *identity, sot_uuid *ret)
{
	sot_err err;

	return strncmp(identity, "host:", 5) == 0 &&
	       sot_uuid_parse(sot_str_c(identity + 5), ret, &err) == SOT_OK;
}

static void remember_peer(scheduler *s, sot_uuid host_id, const bus_peer *from)
{
	bus_peer *known = sot_map_get_uuid(s->peers, host_id);

	if (!known) {
		known = sot_alloc(sizeof(*known));
		sot_map_set_uuid(s->peers, host_id, known);
	}
	*known = *from;
}

static void say_not_leader(scheduler *s, const bus_peer *to)
{
	SOT_AUTO_BUF out = {0};
	sot_not_leader m = {s->epoch};
	sot_err err;

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_not_leader_encode(&m, &out, &err) == SOT_OK)
		(void)bus_send(s->agents, to, sot_buf_str(&out), &err);
}

void intake_agent(void *self, const bus_peer *from, sot_str frame)
{
	scheduler *s = self;
	sot_uuid host_id;
	sot_err err;

	SOT_FAILPOINT_HIT("scheduler.agent.received");
	if (!host_of(from->identity, &host_id)) {
		sot_log(SOT_WARN, "agent.denied", "peer=%s", from->identity);
		return;
	}
	remember_peer(s, host_id, from);
	if (s->draining || !s->c) {
		say_not_leader(s, from);
		return;
	}
	if (controller_agent_message(s->c, scheduler_now(s), host_id, frame, &err) != SOT_OK) {
		sot_metric_add(s->metrics.agents_dropped, 1);
		sot_log_err(SOT_WARN, "agent.message_dropped", &err, "peer=%s", from->identity);
	}
	scheduler_settle(s);
}

/* The last report of each host, for placement by load. */
void intake_report(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap)
{
	scheduler *s = self;
	sot_uuid host_id;
	sot_wire_head head;
	sot_err err;

	(void)topic;
	(void)gap;
	if (!host_of(identity, &host_id) || frame.n > REPORT_BYTES_MAX ||
	    sot_wire_peek(frame, &head, &err) != SOT_OK || head.id != SOT_MSG_HOST_REPORT)
		return;
	sot_metric_add(s->metrics.reports, 1);
	sot_buf *last = sot_map_get_uuid(s->last_reports, host_id);
	if (!last) {
		last = sot_alloc(sizeof(*last));
		sot_buf_init(last, REPORT_BYTES_MAX + 1);
		sot_map_set_uuid(s->last_reports, host_id, last);
	}
	sot_buf_reset(last);
	sot_buf_add_str(last, frame);
}
