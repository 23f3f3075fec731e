#include "seat.h"

#include <inttypes.h>
#include <stdlib.h>

#include "sot_log.h"

enum {
	RENEWALS = 4,   /* in the time of one lease */
	MARGIN_MS = 5,  /* clocks tick in whole ones */
	STORE_QUEUE = 4 /* it never asks twice at a time */
};

struct seat {
	ipam *ip;
	store *store;
	reactor_watch *tick, *soon;
	uint64_t epoch; /* 0: stands by */
	sot_mono asked, until;
	bool is_asking, is_leaving, has_been_up;
	sot_metric *m_serving;
};

static void over(seat *s, const char *why)
{
	sot_err err = {0};
	(void)sot_fail(&err, SOT_UNAVAILABLE, "this one serves no more: %s", why);
	s->epoch = 0;
	sot_metric_set(s->m_serving, 0);
	ipam_end_with(s->ip, &err);
}

static void won(seat *s, uint64_t epoch)
{
	s->epoch = epoch;
	sot_metric_set(s->m_serving, 1);
	sot_log(SOT_INFO, "seat.won", "instance=%s epoch=%" PRIu64, s->ip->config->instance, epoch);
	ipam_serve(s->ip);
}

static void on_row(void *self, const store_result *res)
{
	seat *s = self;
	int64_t epoch = 0;
	sot_err err = {0};
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &epoch, &err) != SOT_OK || s->is_leaving)
		return;
	s->until = sot_mono_add_ms(s->asked, s->ip->config->seat_ms);
	if (epoch > 0 && s->epoch == 0) {
		won(s, (uint64_t)epoch);
	} else if (s->epoch != 0 && epoch != (int64_t)s->epoch) {
		over(s, "another one has the seat");
	} else if (epoch <= 0 && -epoch < s->ip->config->seat_ms / RENEWALS) {
		/* Unless it is renewed, that is when it can be had. */
		reactor_rearm_ms(s->soon, -epoch + MARGIN_MS);
	}
}

static void on_asked(void *self, const store_outcome *outcome)
{
	seat *s = self;
	s->is_asking = false;
	if (outcome->code != SOT_OK)
		sot_log_err(SOT_WARN, "seat.unanswered", outcome->why, "%s", "");
}

static void ask(void *self, uint64_t missed)
{
	(void)missed;
	seat *s = self;
	sot_err err = {0};
	if (s->epoch != 0 && sot_mono_reached(reactor_now(s->ip->loop), s->until)) {
		over(s, "its lease could not be renewed in time");
		return;
	}
	if (s->is_asking || s->is_leaving)
		return;
	store_tx *tx = store_begin(s->store);
	store_query(tx, IPAM_SQL_SEAT_TAKE, on_row, s);
	store_arg_c(tx, s->ip->config->instance);
	store_arg_i64(tx, (int64_t)s->epoch);
	store_arg_i64(tx, s->ip->config->seat_ms);
	s->asked = reactor_now(s->ip->loop);
	if (store_commit(&tx, on_asked, s, &err) == SOT_OK)
		s->is_asking = true;
	else
		sot_log_err(SOT_WARN, "seat.not_asked", &err, "%s", "");
}

static void on_left(void *self, const store_outcome *outcome)
{
	seat *s = self;
	if (outcome->code != SOT_OK) /* it runs out by itself */
		sot_log_err(SOT_WARN, "seat.not_given_back", outcome->why, "%s", "");
	service_drained(s->ip->service);
}

void seat_leave(seat *s)
{
	sot_err err = {0};
	uint64_t epoch = s->epoch;
	s->is_leaving = true;
	s->epoch = 0;
	if (epoch == 0 || !store_is_up(s->store)) {
		service_drained(s->ip->service);
		return;
	}
	store_tx *tx = store_begin(s->store);
	store_query(tx, IPAM_SQL_SEAT_LEAVE, NULL, NULL);
	store_arg_c(tx, s->ip->config->instance);
	store_arg_i64(tx, (int64_t)epoch);
	if (store_commit(&tx, on_left, s, &err) != SOT_OK)
		service_drained(s->ip->service);
}

static void on_database(void *self, bool up, const sot_err *why)
{
	seat *s = self;
	if (up) {
		s->has_been_up = true;
		ask(s, 0);
		return;
	}
	sot_log_err(SOT_WARN, "seat.database_down", why, "%s", "");
	if (!s->has_been_up && why->code == SOT_INVALID)
		ipam_end_with(s->ip, why);
}

sot_code seat_new(ipam *ip, seat **ret, sot_err *err)
{
	seat *s = sot_alloc(sizeof(*s));
	const store_options options = {.conninfo = ip->config->database,
	    .service = "ipam-seat",
	    .statements = ipam_statements,
	    .statement_count = IPAM_STATEMENT_COUNT,
	    .connections = 1,
	    .deadline_ms = ip->config->seat_ms / 2,
	    .queue_max = STORE_QUEUE};
	s->ip = ip;
	s->m_serving = sot_gauge("sot_ipam_serving", NULL, "1 while this one has the seat");
	sot_code code = store_new(ip->loop, &options, on_database, s, &s->store, err);
	if (code != SOT_OK) {
		seat_free(s);
		return code;
	}
	s->soon = reactor_after_ms(ip->loop, -1, ask, s);
	s->tick = reactor_every_ms(ip->loop, ip->config->seat_ms / RENEWALS, ask, s);
	sot_log(SOT_INFO, "seat.stands_by", "instance=%s", ip->config->instance);
	*ret = s;
	return SOT_OK;
}

seat *seat_free(seat *s)
{
	if (!s)
		return NULL;
	reactor_remove(s->soon);
	reactor_remove(s->tick);
	if (s->store)
		store_forget(s->store, s);
	store_free(s->store);
	free(s);
	return NULL;
}
