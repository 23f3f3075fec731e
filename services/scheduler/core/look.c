/* What each kind of step looks at: facts in rows, whoever caused them and in whichever leader's
 * life. A look changes nothing. */
#include "parts.h"

#include <stdio.h>
#include <string.h>

static finding found(verdict v, const char *fmt, ...) SOT_PRINTF(2, 3);
static finding found(verdict v, const char *fmt, ...)
{
	finding f;
	va_list args;

	f.verdict = v;
	va_start(args, fmt);
	(void)vsnprintf(f.text, sizeof(f.text), fmt, args);
	va_end(args);
	return f;
}

unsigned step_wait_rank(const step *s)
{
	return 2 * (unsigned)s->row.kind + (s->row.state != OPERATION_QUEUED);
}

/* In words only when they are what its operation will show. */
static finding waits(const step *s, const char *fmt, ...) SOT_PRINTF(2, 3);
static finding waits(const step *s, const char *fmt, ...)
{
	finding f;
	va_list args;

	f.verdict = VERDICT_WAIT;
	f.text[0] = '\0';
	if (step_wait_rank(s) >= s->of->wait_rank)
		return f;
	va_start(args, fmt);
	(void)vsnprintf(f.text, sizeof(f.text), fmt, args);
	va_end(args);
	return f;
}

static bool is_late(const controller *c, const step *s, int64_t deadline_ms)
{
	return sot_mono_diff_ms(c->now.mono, s->since) >= deadline_ms;
}

/* ---- what each kind of step looks at ---- */

static const char *host_words(const instance *i, char dst[static 160])
{
	if (!i->host) {
		(void)snprintf(dst, 160, "no host");
	} else if (host_is_up(i->host)) {
		(void)snprintf(dst, 160, "%s", i->host->row.name);
	} else {
		(void)snprintf(
		    dst, 160, "%s, which is %s", i->host->row.name, host_state_name(i->host->row.state));
	}
	return dst;
}

static finding look_place(controller *c, const operation *o, const step *s, const instance *i)
{
	if (i->host)
		return found(VERDICT_DONE, "on %s", i->host->row.name);
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "waited too long for %.500s", o->place_text);
	return waits(s, "%s", o->place_text);
}

static finding look_address(controller *c, const step *s, const instance *i)
{
	char v4[SOT_IP_TEXT], v6[SOT_IP_TEXT];
	const char *why = i->app->address_text;

	if (!sot_ip_is_none(i->row.v4.address) && i->row.state != INSTANCE_PLACED)
		return found(VERDICT_DONE, "%s%s%s", sot_ip_format(i->row.v4.address, v4),
		    sot_ip_is_none(instance_v6(i)->address) ? "" : " and ",
		    sot_ip_format(instance_v6(i)->address, v6));
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "no address in VLAN %s: %.400s", i->row.make->vlan, why);
	return waits(s, "an address of VLAN %s%s%.400s", i->row.make->vlan, why[0] ? ": " : "", why);
}

static finding look_target(controller *c, const operation *o, const step *s, const instance *i)
{
	if (instance_target(i))
		return found(
		    VERDICT_DONE, "from %s to %s", i->host->row.name, instance_target(i)->row.name);
	if (i->host && strcmp(i->host->row.name, o->row.to_host) == 0)
		return found(VERDICT_DONE, "it is on %s already", o->row.to_host);
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return found(VERDICT_FAIL, "it is being retired");
	if (o->stays)
		return found(VERDICT_DONE, "it stays: a move no longer pays off");
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "waited too long for %.500s", o->place_text);
	return waits(s, "%s", instance_is_told(i) ? o->place_text : "its first host and address");
}

static finding look_leave(controller *c, const step *s, const instance *i)
{
	char where[160];

	if (!instance_target(i))
		return found(VERDICT_DONE, "on %s now", host_words(i, where));
	if (is_late(c, s, c->config.stop_deadline_ms))
		return found(VERDICT_FAIL, "still on %s; it goes on by itself when that is mended",
		    host_words(i, where));
	return waits(s, "%s to leave %s", i->name, host_words(i, where));
}

static finding look_replace(controller *c, const operation *o, const step *s, const instance *i)
{
	const host *lost = operation_host(c, o);

	if (i->row.desired == SOT_DESIRED_STATE_RETIRED || !i->host)
		return found(VERDICT_FAIL, "it is being retired");
	if (i->host != lost)
		return found(VERDICT_DONE, "on %s now", i->host->row.name);
	if (lost->row.state != HOST_HOST_LOST)
		return found(VERDICT_DONE, "%s is back", lost->row.name);
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "waited too long for %.500s", o->place_text);
	return waits(s, "%s", o->place_text[0] ? o->place_text : "an address for it");
}

static finding look_return(controller *c, const operation *o, const step *s, const instance *i)
{
	const host *h = operation_host(c, o);
	const departure *d = h ? departure_find(h, i->row.id) : NULL;

	if (!d || d->row.desired == SOT_DESIRED_STATE_RETIRED || instance_target(i) == h)
		return found(VERDICT_DONE, "%s", instance_target(i) == h ? "on its way" : "it stays");
	if (i->row.desired == SOT_DESIRED_STATE_RETIRED)
		return found(VERDICT_DONE, "it is being retired");
	if (is_late(c, s, c->config.wait_deadline_ms))
		return found(VERDICT_FAIL, "waited too long for %.500s", o->place_text);
	if (!host_is_up(h))
		return waits(s, "%s, which is %s", h->row.name, host_state_name(h->row.state));
	return waits(s, "%s", o->place_text[0] ? o->place_text : "it to have settled");
}

bool instance_carries_out(const instance *i)
{
	instance_state wanted = i->row.desired == SOT_DESIRED_STATE_STOPPED  ? INSTANCE_STOPPED
	                        : i->row.desired == SOT_DESIRED_STATE_FROZEN ? INSTANCE_FROZEN
	                                                                     : INSTANCE_RUNNING;

	return i->row.observed_generation >= i->row.generation && i->row.state == wanted &&
	       i->row.observed_restart_seq >= i->row.restart_seq;
}

static bool has_failed_for_long(const controller *c, const step *s, const instance *i)
{
	return i->has_failed && i->row.observed_generation >= i->row.generation &&
	       sot_mono_diff_ms(c->now.mono, errand_read(i)->failed_since) >=
	           c->config.failure_grace_ms &&
	       is_late(c, s, c->config.failure_grace_ms);
}

/* The newest order could not be given: assign.c. */
static bool is_untold(const instance *i)
{
	return errand_read(i)->untold == i->row.generation;
}

/* Start, stop, restart, deploy: the agent carries the newest spec out. */
static finding look_spec(controller *c, const step *s, const instance *i, int64_t deadline_ms)
{
	char where[160];

	if (instance_carries_out(i))
		return found(VERDICT_DONE, "on %s", host_words(i, where));
	if (is_untold(i) || has_failed_for_long(c, s, i))
		return found(
		    VERDICT_FAIL, "%.400s", i->row.make->error[0] ? i->row.make->error : "it failed");
	if (is_late(c, s, deadline_ms))
		return found(VERDICT_FAIL, "still %s on %s after %lld s%s%.300s",
		    instance_state_name(i->row.state), host_words(i, where),
		    (long long)(deadline_ms / 1000), i->row.make->error[0] ? ": " : "", i->row.make->error);
	return waits(
	    s, "%s, %s on %s", i->name, instance_state_name(i->row.state), host_words(i, where));
}

/* In place or not at all: an instance that did not get the plan will not get it by waiting. */
static finding look_resize(controller *c, const operation *o, const step *s, const instance *i)
{
	char why[300];

	if (o->row.plan[0] == '\0' || strcmp(i->row.make->plan, o->row.plan) == 0)
		return look_spec(c, s, i, c->config.start_deadline_ms);
	if (resize_fits(c, i, o->row.plan, why, sizeof(why)))
		(void)snprintf(why, sizeof(why), "it was given plan %s meanwhile", i->row.make->plan);
	return found(VERDICT_FAIL, "%s", why);
}

static finding look_healthy(controller *c, const step *s, const instance *i)
{
	int64_t deadline_ms = c->config.healthy_deadline_ms + i->app->row.health.start_period_ms;
	char where[160];

	if (instance_carries_out(i) &&
	    (i->row.desired != SOT_DESIRED_STATE_RUNNING || i->row.health == SOT_HEALTH_HEALTHY))
		return found(VERDICT_DONE, "%s", health_name(i->row.health));
	if (i->held)
		return waits(s, "a start slot on host %s", host_words(i, where));
	if (is_untold(i) || has_failed_for_long(c, s, i))
		return found(
		    VERDICT_FAIL, "%.400s", i->row.make->error[0] ? i->row.make->error : "it failed");
	if (i->row.health == SOT_HEALTH_UNHEALTHY && is_late(c, s, c->config.failure_grace_ms))
		return found(
		    VERDICT_FAIL, "unhealthy on %s: %.400s", host_words(i, where), i->row.make->error);
	/* Who stood in line for its start is not late before it could begin. */
	bool is_young =
	    i->start && i->start->flies && sot_mono_diff_ms(c->now.mono, i->start->since) < deadline_ms;
	if (!is_young && is_late(c, s, deadline_ms))
		return found(VERDICT_FAIL, "not healthy on %s after %lld s: %s, %s%s%.300s",
		    host_words(i, where), (long long)(deadline_ms / 1000),
		    instance_state_name(i->row.state), health_name(i->row.health),
		    i->row.make->error[0] ? ": " : "", i->row.make->error);
	return waits(s, "%s to be healthy on %s", i->name, host_words(i, where));
}

static finding look_leaving(controller *c, const step *s, const instance *i)
{
	bool standing = i->host != NULL;
	char where[160];

	if (s->row.kind == STEP_REMOVE && !standing)
		return found(VERDICT_DONE, "removed");
	if (is_late(c, s, c->config.stop_deadline_ms))
		return found(VERDICT_FAIL, "%s; it goes on by itself when that is mended",
		    standing ? host_words(i, where) : "ipam did not take the address back");
	if (standing)
		return waits(s, "%s to be removed from %s", i->name, host_words(i, where));
	return waits(s, "ipam to take back the address of %s", i->name);
}

/* On the wall clock: a new leader does not begin anew. Who is away gets no requests anyway. */
static finding look_drained(controller *c, const operation *o, const step *s, const instance *i)
{
	int64_t left_ms =
	    s->row.started_unix_ms + o->rollout->row.strategy.drain_s * 1000ll - c->now.wall.unix_ms;

	if (!instance_is_available(i))
		return found(VERDICT_DONE, "out of rotation");
	finding command = rotation_look(c, o, s, i);
	if (command.verdict != VERDICT_DONE || command.text[0])
		return command;
	if (left_ms <= 0)
		return found(VERDICT_DONE, "out of rotation");
	return found(VERDICT_WAIT, "requests to %s to end: %lld s left", i->name,
	    (long long)((left_ms + 999) / 1000));
}

static finding look_rotated_in(controller *c, const operation *o, const step *s, const instance *i)
{
	finding command = rotation_look(c, o, s, i);

	if (command.verdict != VERDICT_DONE || command.text[0])
		return command;
	return found(VERDICT_DONE, "in rotation");
}

finding step_look(controller *c, const operation *o, const step *s)
{
	const instance *i = step_instance(c, s);

	if (!i)
		return s->row.kind == STEP_REMOVE || s->row.kind == STEP_RELEASE
		           ? found(VERDICT_DONE, "done")
		           : found(VERDICT_FAIL, "the instance is gone");
	switch (s->row.kind) {
	case STEP_PLACE:
		return look_place(c, o, s, i);
	case STEP_ADDRESS:
		return look_address(c, s, i);
	case STEP_START:
	case STEP_DEPLOY:
	case STEP_RESTART:
	case STEP_REBUILD:
	case STEP_ROLL_BACK:
	case STEP_MIDDLEWARE:
		return look_spec(c, s, i, c->config.start_deadline_ms);
	case STEP_ROTATE_OUT:
		return look_drained(c, o, s, i);
	case STEP_ROTATE_IN:
		return look_rotated_in(c, o, s, i);
	case STEP_RESIZE:
		return look_resize(c, o, s, i);
	case STEP_FREEZE:
	case STEP_UNFREEZE:
	case STEP_STOP:
		return look_spec(c, s, i, c->config.stop_deadline_ms);
	case STEP_HEALTHY:
		return look_healthy(c, s, i);
	case STEP_TARGET:
		return look_target(c, o, s, i);
	case STEP_LEAVE:
		return look_leave(c, s, i);
	case STEP_REPLACE:
		return look_replace(c, o, s, i);
	case STEP_RETURN:
		return look_return(c, o, s, i);
	case STEP_REMOVE:
	case STEP_RELEASE:
	case STEP_KINDS:
		break;
	}
	return look_leaving(c, s, i);
}
