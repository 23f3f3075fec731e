/* What arrives on the bus: who may say it, and what a standby answers. */
#include "internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

static void refuse(
    scheduler *s, const bus_peer *to, sot_str frame, sot_refusal code, const char *why)
{
	SOT_AUTO_BUF out = {0};
	sot_wire_head head = {0};
	sot_err err;

	if (sot_wire_peek(frame, &head, &err) != SOT_OK)
		return;
	sot_refused m = {.request_id = head.request_id, .code = code, .text = sot_str_c(why)};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_refused_encode(&m, &out, &err) == SOT_OK)
		(void)bus_reply(s->requests, to, sot_buf_str(&out), &err);
}

void intake_refuse_not_leading(scheduler *s, const bus_peer *to, sot_str frame)
{
	refuse(s, to, frame, SOT_REFUSAL_NOT_LEADER,
	    "this scheduler does not lead; ask another, or again in a moment");
}

void intake_request(void *self, const bus_peer *from, sot_str frame)
{
	scheduler *s = self;

	SOT_FAILPOINT_HIT("scheduler.request.received");
	if (strcmp(from->identity, "svc:api-gateway") != 0) {
		refuse(s, from, frame, SOT_REFUSAL_DENIED, "only the api-gateway may ask the scheduler");
		return;
	}
	if (s->draining || !s->c) {
		intake_refuse_not_leading(s, from, frame);
		return;
	}
	if (!pressure_admit(s, from, frame))
		return;
	if (!pipeline_put_request(s, from, frame)) {
		pressure_answered(s, from, frame);
		refuse(s, from, frame, SOT_REFUSAL_UNAVAILABLE,
		    "more requests wait for a commit than may; try again in a moment");
		return;
	}
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

/* Reports feed placement by load. A standby has no use for them: the next one comes in seconds. */
void intake_report(void *self, const char *identity, sot_str topic, sot_str frame, uint64_t gap)
{
	scheduler *s = self;
	sot_uuid host_id;
	sot_wire_head head;
	sot_err err;

	(void)topic;
	(void)gap;
	if (!s->c || !host_of(identity, &host_id) || sot_wire_peek(frame, &head, &err) != SOT_OK ||
	    (head.id != SOT_MSG_HOST_REPORT && head.id != SOT_MSG_INSTANCE_REPORTS))
		return;
	bool is_host = head.id == SOT_MSG_HOST_REPORT;
	sot_code code = is_host
	                    ? controller_host_report(s->c, scheduler_now(s), host_id, frame, &err)
	                    : controller_instance_reports(s->c, scheduler_now(s), host_id, frame, &err);
	if (code == SOT_OK) {
		sot_metric_add(s->metrics.reports, is_host);
	} else {
		sot_metric_add(s->metrics.agents_dropped, 1);
		sot_log_err(SOT_WARN, "agent.report_dropped", &err, "peer=%s", identity);
	}
}
