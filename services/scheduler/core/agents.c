/* Hosts: what their agents say, their lease, their generation. */
#include "assign.h"
#include "parts.h"

#include <stdlib.h>
#include <string.h>

/* Figures of an agent are bounded to what a row can hold, so that no host can make every commit
 * fail. */
#define GENERATION_MAX (UINT64_MAX / 8)
#define CPU_MILLI_MAX 400000000u
#define BYTES_MAX (1ull << 50)
#define COUNT_MAX INT32_MAX

static void note_seen(controller *c, host *h)
{
	h->last_seen = c->now.mono;
	h->is_excused = false;
	witnesses_forget(h);
	h->row.seen_unix_ms = c->now.wall.unix_ms;
	if (c->now.wall.unix_ms - h->seen_written_unix_ms >= c->config.seen_write_ms) {
		h->seen_written_unix_ms = c->now.wall.unix_ms;
		touch_host(c, h);
	}
}

static uint64_t at_most(uint64_t value, uint64_t max)
{
	return value < max ? value : max;
}

/* A machine may have shrunk below what is booked: nothing more fits then, what stands stays. */
static void take_capacity(controller *c, host *h, const struct sot_hello *m)
{
	host_row *r = &h->row;
	uint32_t cpu = (uint32_t)at_most(m->cpu_milli, CPU_MILLI_MAX);
	uint64_t memory = at_most(m->memory_bytes, BYTES_MAX);
	uint64_t disk = at_most(m->disk_bytes, BYTES_MAX);

	if (cpu == r->cpu_milli && memory == r->memory_bytes && disk == r->disk_bytes)
		return;
	r->cpu_milli = cpu;
	r->memory_bytes = memory;
	r->disk_bytes = disk;
	c->capacity_changed = true;
}

static sot_code on_hello(controller *c, host *h, sot_str frame, sot_err *err)
{
	struct sot_hello m = {0};
	sot_code code = sot_hello_decode(frame, c->arena, &m, err);

	if (code != SOT_OK)
		return code;
	if (m.generation > GENERATION_MAX)
		return sot_fail(err, SOT_INVALID, "hello: generation out of range");
	bool was_lost = h->row.state == HOST_HOST_LOST;
	bool same_boot = sot_str_eq_c(m.boot_id, h->row.boot_id);
	h->has_session = true;
	h->agent_start_id = m.agent_start_id;
	h->status_seq = 0;
	h->row.address = m.address;
	model_copy_text(h->row.boot_id, sizeof(h->row.boot_id), m.boot_id);
	model_share_text(c, &h->row.agent_version, HOST_WORD_MAX, m.agent_version);
	model_share_text(c, &h->row.hostname, WORD_MAX_BYTES, m.hostname);
	model_share_text(c, &h->row.kernel, HOST_KERNEL_MAX, m.kernel);
	model_share_text(c, &h->row.docker_version, HOST_WORD_MAX, m.docker_version);
	take_capacity(c, h, &m);
	note_seen(c, h);
	touch_host(c, h);
	host_is_heard(c, h, m.docker_version.n > 0, "the agent said hello");
	if (was_lost)
		loss_returned(c, h, same_boot);
	/* An agent that is ahead met a leader whose rows were lost (a restored database). */
	if (m.generation > h->row.generation)
		h->row.generation = m.generation + 1;
	if (m.generation == h->row.generation && m.generation > 0) {
		assign_nothing(c, h);
	} else {
		greeting_ask(c, h);
	}
	return SOT_OK;
}

static sot_code on_heartbeat(controller *c, host *h, sot_str frame, sot_err *err)
{
	struct sot_heartbeat m = {0};
	sot_code code = sot_heartbeat_decode(frame, c->arena, &m, err);

	if (code != SOT_OK)
		return code;
	struct sot_heartbeat_ack ack = {c->config.epoch, h->row.generation};
	if (h->has_session) {
		note_seen(c, h);
		host_is_heard(c, h, m.docker_ok, "the agent is back");
	} else if (m.generation == h->row.generation) {
		ack.generation = m.generation + 1; /* any other number makes the agent say hello */
	}
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	e->host_id = h->row.id;
	return sot_heartbeat_ack_encode(&ack, &e->frame, err);
}

/* Bounds what a row holds; the decoder has bounded the texts. */
static void bound_status(controller *c, const instance *i, struct sot_instance_status *s)
{
	s->restarts = (uint32_t)at_most(s->restarts, COUNT_MAX);
	s->restart_seq = (uint32_t)at_most(s->restart_seq, i->row.restart_seq);
	if (s->started_unix_ms < 0 || s->started_unix_ms > c->now.wall.unix_ms + 86400000)
		s->started_unix_ms = 0;
}

static sot_code on_status(controller *c, host *h, sot_str frame, sot_err *err)
{
	struct sot_status m = {0};
	sot_code code = sot_status_decode(frame, c->arena, &m, err);

	if (code != SOT_OK)
		return code;
	if (!h->has_session || m.agent_start_id != h->agent_start_id) {
		/* Either this status is late, or the hello that made the session was. The agent of today
		 * settles it: the next heartbeat's answer makes it say hello again. */
		h->has_session = false;
		c->stats.statuses_stale++;
		return sot_fail(err, SOT_NOT_FOUND, "a status of an agent that did not say hello");
	}
	if (m.seq > h->status_seq) {
		h->status_seq = m.seq;
		for (size_t k = 0; k < m.instances_count; k++) {
			instance *i = model_find_instance(c, m.instances[k].instance_id);
			if (!i || i->host != h) {
				departure_status(c, h, &m.instances[k]);
				continue;
			}
			bound_status(c, i, &m.instances[k]);
			instance_apply_status(c, i, &m.instances[k]);
		}
		containers_told(c, h, &m);
	} else {
		c->stats.statuses_stale++;
	}
	struct sot_status_ack ack = {h->agent_start_id, h->status_seq};
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	e->host_id = h->row.id;
	return sot_status_ack_encode(&ack, &e->frame, err);
}

static sot_code on_probed(controller *c, const host *h, sot_str frame, sot_err *err)
{
	struct sot_host_probed m = {0};
	sot_code code = sot_host_probed_decode(frame, c->arena, &m, err);

	return code == SOT_OK ? witnesses_said(c, h, &m, err) : code;
}

static sot_code on_rotated(controller *c, const host *h, sot_str frame, sot_err *err)
{
	struct sot_rotated m = {0};
	sot_code code = sot_rotated_decode(frame, c->arena, &m, err);

	return code == SOT_OK ? rotation_said(c, h, &m, err) : code;
}

/* ---- logs, relayed ---- */

static void reply_refused(controller *c, const relay *r, sot_str why)
{
	struct sot_refused refused = {
	    .request_id = r->request_id, .code = SOT_REFUSAL_UNAVAILABLE, .text = why};
	controller_effect *e = say_effect(c, EFFECT_REPLY);
	sot_err err = {0};

	e->peer = r->from;
	if (sot_refused_encode(&refused, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

static void reply_logs(controller *c, const relay *r, const struct sot_agent_logs *m)
{
	struct sot_logs logs = {r->request_id, m->text, m->truncated};
	sot_err err = {0};

	if (!m->ok) {
		reply_refused(c, r, m->error);
		return;
	}
	controller_effect *e = say_effect(c, EFFECT_REPLY);
	e->peer = r->from;
	if (sot_logs_encode(&logs, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

static relay *take_relay(controller *c, uint64_t agent_request_id)
{
	for (sot_link *l = c->relays.next; l != &c->relays; l = l->next) {
		relay *r = SOT_CONTAINER(l, relay, all);
		if (r->agent_request_id == agent_request_id) {
			sot_list_remove(&r->all);
			return r;
		}
	}
	return NULL;
}

static sot_code on_logs(controller *c, sot_str frame, sot_err *err)
{
	struct sot_agent_logs m = {0};
	sot_code code = sot_agent_logs_decode(frame, c->arena, &m, err);

	if (code != SOT_OK)
		return code;
	relay *r = take_relay(c, m.request_id);
	if (!r)
		return sot_fail(err, SOT_NOT_FOUND, "nobody waits for these log lines any more");
	reply_logs(c, r, &m);
	free(r);
	return SOT_OK;
}

/* The text is the gateway's to read. */
static sot_code on_inside(controller *c, sot_str frame, sot_err *err)
{
	struct sot_agent_inside m = {0};
	sot_code code = sot_agent_inside_decode(frame, c->arena, &m, err);

	if (code != SOT_OK)
		return code;
	relay *r = take_relay(c, m.request_id);
	if (!r)
		return sot_fail(err, SOT_NOT_FOUND, "nobody waits for this look any more");
	struct sot_inside inside = {r->request_id, m.text};
	if (m.ok) {
		controller_effect *e = say_effect(c, EFFECT_REPLY);
		e->peer = r->from;
		code = sot_inside_encode(&inside, &e->frame, err);
	} else {
		reply_refused(c, r, m.error);
	}
	free(r);
	return code;
}

/* The frames are the gateway's to read. */
static sot_code on_usage(controller *c, sot_str frame, sot_err *err)
{
	struct sot_agent_usage m = {0};
	sot_code code = sot_agent_usage_decode(frame, c->arena, &m, err);

	if (code != SOT_OK)
		return code;
	relay *r = take_relay(c, m.request_id);
	if (!r)
		return sot_fail(err, SOT_NOT_FOUND, "nobody waits for these figures any more");
	controller_effect *e = say_effect(c, EFFECT_REPLY);
	struct sot_usage usage = {r->request_id, m.host, m.instances, m.instances_count, m.findings};
	e->peer = r->from;
	free(r);
	return sot_usage_encode(&usage, &e->frame, err);
}

void relays_tick(controller *c)
{
	for (sot_link *l = c->relays.next, *next; l != &c->relays; l = next) {
		relay *r = SOT_CONTAINER(l, relay, all);
		next = l->next;
		if (!sot_mono_reached(c->now.mono, r->deadline))
			continue;
		reply_refused(c, r, SOT_STR("the host's agent did not answer in time; try again"));
		sot_list_remove(&r->all);
		free(r);
	}
}

sot_code controller_agent_message(
    controller *c, controller_now now, sot_uuid host_id, sot_str frame, sot_err *err)
{
	host *h = model_host(c, host_id);
	sot_wire_head head = {0};

	c->now = now;
	if (!h || h->row.revoked || h->row.state == HOST_RETIRED)
		return sot_fail(err, SOT_NOT_FOUND, "no such host, or it was retired");
	sot_code code = sot_wire_peek(frame, &head, err);
	if (code != SOT_OK)
		return code;
	switch (head.id) {
	case SOT_MSG_HELLO:
		code = on_hello(c, h, frame, err);
		break;
	case SOT_MSG_HEARTBEAT:
		code = on_heartbeat(c, h, frame, err);
		break;
	case SOT_MSG_STATUS:
		code = on_status(c, h, frame, err);
		break;
	case SOT_MSG_AGENT_USAGE:
		code = on_usage(c, frame, err);
		break;
	case SOT_MSG_AGENT_INSIDE:
		code = on_inside(c, frame, err);
		break;
	case SOT_MSG_AGENT_LOGS:
		code = on_logs(c, frame, err);
		break;
	case SOT_MSG_HOST_PROBED:
		code = on_probed(c, h, frame, err);
		break;
	case SOT_MSG_ROTATED:
		code = on_rotated(c, h, frame, err);
		break;
	case SOT_MSG_ASSIGNED: /* the next heartbeat says the same */
		break;
	default:
		code = sot_fail(err, SOT_INVALID, "message %u is not for the scheduler", head.id);
	}
	sot_arena_reset(c->arena);
	return code;
}

/* ---- lease and generations ---- */

static bool is_watched(const host *h)
{
	return host_is_up(h) || h->row.state == HOST_SUSPECT || h->row.state == HOST_AGENT_LOST;
}

static void watch(controller *c, host *h)
{
	int64_t silent_ms = sot_mono_diff_ms(c->now.mono, h->last_seen);

	if (silent_ms < c->config.suspect_after_ms)
		return;
	if (host_is_up(h))
		host_move(c, h, HOST_SUSPECT, "3 heartbeats are missing");
	if (silent_ms >= c->config.lost_after_ms && h->row.state == HOST_SUSPECT)
		host_move(c, h, HOST_AGENT_LOST, "no heartbeat; its instances are left alone");
	witnesses_tick(c, h);
	loss_tick(c, h);
}

void agents_tick(controller *c)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (is_watched(h))
			watch(c, h);
	}
	brake_look(c);
	drains_tick(c);
}

void agents_push(controller *c)
{
	while (!sot_list_empty(&c->changed_hosts)) {
		host *h = SOT_CONTAINER(c->changed_hosts.next, host, changed);
		sot_list_remove(&h->changed);
		if (sot_list_empty(&h->pushes) && !h->departures_changed)
			continue;
		uint64_t from = h->row.generation++;
		touch_booking(c, h);
		assign_delta(c, h, from);
	}
}
