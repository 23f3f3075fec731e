/* Strategies as the message, the API and the database have them. */
#include "rows.h"

#include <stdio.h>

rollout_strategy rollout_strategy_of(const struct sot_rollout_strategy *m)
{
	rollout_strategy s = {
	    .batch = m->batch,
	    .batch_percent = m->batch_percent,
	    .canary = m->canary,
	    .max_unavailable = m->max_unavailable,
	    .surge = m->surge,
	    .order = m->order,
	    .pause = m->pause,
	    .pause_s = m->pause_s,
	    .bake_s = m->bake_s,
	    .deadline_s = m->deadline_s,
	    .drain_s = m->drain_s,
	    .errors_max = m->errors_max,
	    .on_failure = m->on_failure,
	};
	(void)snprintf(
	    s.rotation_command, sizeof(s.rotation_command), "%.*s", SOT_ARG(m->rotation_command));
	return s;
}

void rollout_strategy_json(const rollout_strategy *s, sot_buf *out)
{
	sot_buf_printf(out,
	    "{\"batch\":%u,\"batchPercent\":%u,\"canary\":%u,\"order\":\"%s\",\"maxUnavailable\":%u,"
	    "\"surge\":%u,\"pause\":\"%s\",\"pauseSeconds\":%u,\"bakeSeconds\":%u,\"onFailure\":\"%s\","
	    "\"deadlineSeconds\":%u,\"drainSeconds\":%u,\"errorPermilleMax\":%u,"
	    "\"rotationCommand\":",
	    s->batch, s->batch_percent, s->canary, sot_rollout_order_name(s->order), s->max_unavailable,
	    s->surge, sot_rollout_pause_name(s->pause), s->pause_s, s->bake_s,
	    sot_rollout_failure_name(s->on_failure), s->deadline_s, s->drain_s, s->errors_max);
	sot_buf_add_json(out, sot_str_c(s->rotation_command));
	sot_buf_add_c(out, "}");
}

const char *rollout_phase(const rollout_row *row)
{
	if (row->paused_by[0])
		return "paused";
	if (row->goes_back)
		return "rolling_back";
	return row->batch_done_unix_ms ? "baking" : "rolling";
}

static sot_code known(const char *what, int found, sot_str word, sot_err *err)
{
	if (found < 0)
		return sot_fail(err, SOT_INTERNAL, "unknown %s '%.*s'", what, SOT_ARG(word));
	return SOT_OK;
}

sot_code rollout_order_parse(sot_str word, enum sot_rollout_order *ret, sot_err *err)
{
	int found = sot_rollout_order_find(word);
	sot_code code = known("order of a rollout", found, word, err);

	if (code == SOT_OK)
		*ret = (enum sot_rollout_order)found;
	return code;
}

sot_code rollout_pause_parse(sot_str word, enum sot_rollout_pause *ret, sot_err *err)
{
	int found = sot_rollout_pause_find(word);
	sot_code code = known("pause of a rollout", found, word, err);

	if (code == SOT_OK)
		*ret = (enum sot_rollout_pause)found;
	return code;
}

sot_code rollout_failure_parse(sot_str word, enum sot_rollout_failure *ret, sot_err *err)
{
	int found = sot_rollout_failure_find(word);
	sot_code code = known("end of a rollout that fails", found, word, err);

	if (code == SOT_OK)
		*ret = (enum sot_rollout_failure)found;
	return code;
}
