/* Leadership: a lease on the database's clock, renewed on a connection of its own. */
#include "internal.h"

#include <inttypes.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

/* Nothing waits for it; the reason is for the log. */
static void on_side_done(void *self, const store_outcome *outcome)
{
	(void)self;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "database.side_work_failed", outcome->why, "%s", "");
}

void leadership_lose(scheduler *s, bool resign, const char *why)
{
	uint64_t epoch = s->epoch;
	sot_err err;

	if (epoch == 0)
		return;
	SOT_FAILPOINT_HIT("scheduler.leadership.before_lose");
	sot_log(SOT_WARN, "leadership.lost", "epoch=%" PRIu64 " why=\"%s\"", epoch, why);
	store_forget(s->store, s);
	effects_forget(s);
	s->load = load_free(s->load);
	s->c = controller_free(s->c);
	s->inflight = controller_batch_free(s->inflight);
	s->epoch = 0;
	sot_metric_set(s->metrics.leading, 0);
	if (!resign)
		return;
	store_tx *tx = store_begin(s->lead_store);
	store_query(tx, SCHEDULER_SQL_RESIGN, NULL, NULL);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_c(tx, s->holder);
	store_arg_i64(tx, (int64_t)epoch);
	if (store_commit(&tx, on_side_done, s, &err) != SOT_OK) /* the lease runs out by itself */
		sot_log_err(SOT_WARN, "leadership.resign_failed", &err, "epoch=%" PRIu64, epoch);
}

static void on_lead_row(void *self, const store_result *res)
{
	scheduler *s = self;
	int64_t epoch = 0;
	sot_err err;

	if (store_rows(res) != 1 || store_i64(res, 0, 0, &epoch, &err) != SOT_OK || s->draining)
		return;
	if (epoch > 0 && (uint64_t)epoch == s->epoch) {
		s->lease_until = sot_mono_add_ms(s->lead_sent, s->config->lease_ms);
		return;
	}
	if (s->epoch != 0)
		leadership_lose(s, false, "another scheduler leads");
	if (epoch == 0)
		return;
	s->lease_until = sot_mono_add_ms(s->lead_sent, s->config->lease_ms);
	sot_log(SOT_INFO, "leadership.won", "epoch=%" PRId64 " holder=%s", epoch, s->holder);
	sot_metric_add(s->metrics.take_overs, 1);
	SOT_FAILPOINT_HIT("scheduler.leadership.won");
	load_begin(s, (uint64_t)epoch);
}

static void on_lead_done(void *self, const store_outcome *outcome)
{
	scheduler *s = self;

	s->lead_busy = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "leadership.unanswered", outcome->why, "%s", "");
}

void leadership_tick(void *self, uint64_t missed)
{
	scheduler *s = self;
	sot_err err;

	(void)missed;
	if (s->epoch != 0 && sot_mono_reached(reactor_now(s->r), s->lease_until))
		leadership_lose(s, false, "the lease could not be renewed in time");
	if (s->lead_busy || s->draining)
		return;
	SOT_FAILPOINT_HIT("scheduler.leadership.before_renew");
	store_tx *tx = store_begin(s->lead_store);
	store_query(tx, SCHEDULER_SQL_LEAD, on_lead_row, s);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_c(tx, s->holder);
	store_arg_i64(tx, (int64_t)s->epoch);
	store_arg_i64(tx, s->config->lease_ms);
	s->lead_sent = reactor_now(s->r);
	if (store_commit(&tx, on_lead_done, s, &err) == SOT_OK)
		s->lead_busy = true;
	else
		sot_log_err(SOT_WARN, "leadership.not_asked", &err, "%s", "");
}
