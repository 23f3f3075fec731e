/* Leadership: a lease on the database's clock, renewed on a connection of its own. */
#include "internal.h"

#include <inttypes.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

enum {
	LEASE_MARGIN_MS = 5,   /* clocks tick in whole ones */
	LEFT_BEHIND_MS = 1000, /* so old is a transaction that nobody ends any more */
	LATENESS_TIMES = 4,    /* a lease lasts so many times what renewals were late */
	LEASE_TIMES_MAX = 4,   /* at most so many times what is configured, */
	LEASE_MS_MAX = 60000,  /* and what core.lead takes */
	CALM_MS = 60000,       /* a lateness is remembered for so long */
};

/* ---- how long a lease is asked for ---- */

/* On a machine that gives this process no time, or with a database that answers late, a lease that
 * runs out before it can be renewed goes from one to the next for ever, and each reads everything
 * anew. So it lasts longer while renewals are late again and again; the price is a later take-over
 * just then. One pause alone says nothing of the next. */
static int64_t wanted_lease_ms(const scheduler *s)
{
	int64_t most = LEASE_TIMES_MAX * s->config->lease_ms, late_ms = s->late.ms[0];

	if (s->late.ms[1] < late_ms)
		late_ms = s->late.ms[1];
	if (sot_mono_diff_ms(reactor_now(s->r), s->late.at) > CALM_MS)
		late_ms = 0;
	if (most > LEASE_MS_MAX)
		most = LEASE_MS_MAX;
	if (LATENESS_TIMES * late_ms < s->config->lease_ms)
		return s->config->lease_ms;
	return LATENESS_TIMES * late_ms < most ? LATENESS_TIMES * late_ms : most;
}

/* From when the last question should have been sent to when its answer came. */
static void note_lateness(scheduler *s, int64_t ms)
{
	if (LATENESS_TIMES * ms < s->config->lease_ms)
		return;
	s->late.ms[1] = sot_mono_diff_ms(reactor_now(s->r), s->late.at) > CALM_MS ? 0 : s->late.ms[0];
	s->late.ms[0] = ms;
	s->late.at = reactor_now(s->r);
}

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
	pressure_forget(s);
	s->load = load_free(s->load);
	s->c = controller_free(s->c);
	pipeline_forget(s);
	s->lost_epoch = epoch;
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

/* Another one's lease lasts `left_ms`: unless it is renewed, that is the time to ask again. */
static void ask_when_it_ends(scheduler *s, int64_t left_ms)
{
	if (left_ms > 0 && left_ms < s->config->renew_ms)
		reactor_rearm_ms(s->lease_timer, left_ms + LEASE_MARGIN_MS);
}

static void on_lead_row(void *self, const store_result *res)
{
	scheduler *s = self;
	int64_t epoch = 0;
	sot_err err;

	if (store_rows(res) != 1 || store_i64(res, 0, 0, &epoch, &err) != SOT_OK || s->draining)
		return;
	note_lateness(s, s->late.tick_ms + sot_mono_diff_ms(reactor_now(s->r), s->lead_sent));
	if (epoch > 0 && (uint64_t)epoch == s->epoch) {
		s->lease_until = sot_mono_add_ms(s->lead_sent, s->lease_asked_ms);
		return;
	}
	/* A renewal that was on its way when leadership was given back: what was decided in that epoch
	 * may still commit, so that it must not be led again. */
	if (epoch > 0 && (uint64_t)epoch <= s->lost_epoch)
		return;
	if (s->epoch != 0)
		leadership_lose(s, false, "another scheduler leads");
	if (epoch <= 0) {
		ask_when_it_ends(s, -epoch);
		return;
	}
	s->lease_until = sot_mono_add_ms(s->lead_sent, s->lease_asked_ms);
	sot_log(SOT_INFO, "leadership.won", "epoch=%" PRId64 " holder=%s lease_ms=%" PRId64, epoch,
	    s->holder, s->lease_asked_ms);
	sot_metric_add(s->metrics.take_overs, 1);
	SOT_FAILPOINT_HIT("scheduler.leadership.won");
	load_begin(s, (uint64_t)epoch);
}

static void on_left_behind(void *self, const store_result *res)
{
	int64_t ended = 0;
	sot_err err;

	(void)self;
	if (store_rows(res) == 1 && store_i64(res, 0, 0, &ended, &err) == SOT_OK && ended > 0)
		sot_log(SOT_WARN, "leadership.left_behind", "ended=%" PRId64, ended);
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

	if (s->epoch != 0 && sot_mono_reached(reactor_now(s->r), s->lease_until))
		leadership_lose(s, false, "the lease could not be renewed in time");
	if (s->lead_busy || s->draining ||
	    (s->epoch == 0 && !sot_mono_reached(reactor_now(s->r), s->refused.rest_until)))
		return;
	SOT_FAILPOINT_HIT("scheduler.leadership.before_renew");
	store_tx *tx = store_begin(s->lead_store);
	if (s->epoch == 0) {
		store_query(tx, SCHEDULER_SQL_END_LEFT_BEHIND, on_left_behind, s);
		store_arg_c(tx, SCHEDULER_ROLE);
		store_arg_i64(tx, LEFT_BEHIND_MS);
	}
	store_query(tx, SCHEDULER_SQL_LEAD, on_lead_row, s);
	store_arg_c(tx, SCHEDULER_ROLE);
	store_arg_c(tx, s->holder);
	store_arg_i64(tx, (int64_t)s->epoch);
	s->late.tick_ms = (int64_t)missed * s->config->renew_ms;
	s->lease_asked_ms = wanted_lease_ms(s);
	store_arg_i64(tx, s->lease_asked_ms);
	s->lead_sent = reactor_now(s->r);
	if (store_commit(&tx, on_lead_done, s, &err) == SOT_OK)
		s->lead_busy = true;
	else
		sot_log_err(SOT_WARN, "leadership.not_asked", &err, "%s", "");
}
