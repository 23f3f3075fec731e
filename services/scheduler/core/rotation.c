/* Out of rotation, and back in: the command of a rollout's strategy, run in the instance by its
 * host's agent (proto/hostagent.toml, rotate).
 *
 * The step is the memory: while it runs, its agent is asked every few seconds, by whoever leads;
 * the agent begins one command per question and answers each asking. On the way back a command that
 * fails holds nobody up: what is broken shall become what it was.
 */
#include "parts.h"

#include <stdio.h>
#include <string.h>

#define ASK_MS 3000
#define COMMAND_MS 60000 /* or as long as it drains, when that is longer */
#define ANSWER_MS 15000  /* for the way there and back, and a gateway that changes */

static const char *command_of(const operation *o)
{
	return o->rollout ? o->rollout->row.strategy.rotation_command : "";
}

static int64_t timeout_ms(const operation *o)
{
	int64_t drain_ms = o->rollout->row.strategy.drain_s * 1000ll;

	return drain_ms > COMMAND_MS ? drain_ms : COMMAND_MS;
}

static bool is_rotation(step_kind kind)
{
	return kind == STEP_ROTATE_OUT || kind == STEP_ROTATE_IN;
}

void rotation_attempt(controller *c, const operation *o, step *s)
{
	const instance *i = is_rotation(s->row.kind) ? step_instance(c, s) : NULL;
	sot_err err = {0};

	if (!i || !command_of(o)[0] || s->rotation != ROTATION_OPEN || !i->host ||
	    !instance_is_available(i))
		return;
	if (s->asked.ms != 0 && sot_mono_diff_ms(c->now.mono, s->asked) < ASK_MS)
		return;
	s->asked = c->now.mono;
	struct sot_rotate m = {.epoch = c->config.epoch,
	    .operation_id = o->row.id,
	    .ordinal = s->row.ordinal,
	    .instance_id = i->row.id,
	    .out = s->row.kind == STEP_ROTATE_OUT,
	    .command = sot_str_c(command_of(o)),
	    .timeout_ms = (uint32_t)timeout_ms(o)};
	controller_effect *e = say_effect(c, EFFECT_AGENT);
	e->host_id = i->host->row.id;
	if (sot_rotate_encode(&m, &e->frame, &err) != SOT_OK)
		sot_buf_reset(&e->frame);
}

sot_code rotation_said(controller *c, const host *h, const struct sot_rotated *m, sot_err *err)
{
	operation *o = sot_map_get_uuid(c->operations, m->operation_id);
	step *s = o && o->rollout && m->ordinal < o->step_count ? o->steps[m->ordinal] : NULL;
	const instance *i = s ? step_instance(c, s) : NULL;

	if (!i || i->host != h || !sot_uuid_eq(i->row.id, m->instance_id) ||
	    !is_rotation(s->row.kind) || s->row.state != OPERATION_RUNNING ||
	    s->rotation != ROTATION_OPEN)
		return sot_fail(err, SOT_NOT_FOUND, "nobody waits for this command any more");
	s->rotation = m->ok ? ROTATION_DONE : ROTATION_FAILED;
	model_put_text(&s->row.detail, OPERATION_TEXT_MAX - 1, m->text);
	wake_operation(c, o);
	return SOT_OK;
}

static finding end(const operation *o, const char *text)
{
	bool goes_back = o->rollout->row.goes_back;
	finding f = {.verdict = goes_back ? VERDICT_DONE : VERDICT_FAIL};

	(void)snprintf(f.text, sizeof(f.text), "%.300s%s", text, goes_back ? "; it goes on" : "");
	return f;
}

finding rotation_look(controller *c, const operation *o, const step *s, const instance *i)
{
	finding f = {.verdict = VERDICT_DONE};

	if (!command_of(o)[0] || s->rotation == ROTATION_DONE)
		return f;
	if (s->rotation == ROTATION_FAILED)
		return end(o, s->row.detail);
	if (sot_mono_diff_ms(c->now.mono, s->since) >= timeout_ms(o) + ANSWER_MS)
		return end(o, "its host's agent did not say how the command ended");
	f.verdict = VERDICT_WAIT;
	(void)snprintf(f.text, sizeof(f.text), "the command that takes %s %s rotation", i->name,
	    s->row.kind == STEP_ROTATE_OUT ? "out of" : "back into");
	return f;
}
