/* From requests to commits: what comes in waits for its wave, a wave becomes one batch.
 *
 *   requests gather -> decided, ipam is asked -> ipam answers, or address_wait_ms pass -> commit
 *
 * While the batch of one wave commits, the next wave is decided and asks ipam. So an instance is
 * written once, with its address, and both commits, ipam's and this one's, run beside each other.
 * A wave takes half of what is open, and begins when so much waits or, with less, as late as it may
 * and still be written when the commit before it is over: who was answered by the one before that
 * comes along, and fewer batches share what a batch costs.
 */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_metrics.h"

enum {
	WAITING_MAX = 4096,
	WAITING_BYTES_MAX = 64 * 1024 * 1024,
	STEADY_MS = 60000, /* a leadership that lasted so long had no lasting fault */
	REST_FIRST_MS = 100,
	REST_DOUBLINGS = 9, /* up to 25.6 s */
	PACE_PARTS = 8,     /* a new figure is so much of a moving average */
	AT_ONCE_US = 50,    /* not worth a timer */
	WHOLE_WAVE = 8,     /* so few requests are not divided */
};

/* A request that waits for its wave. */
typedef struct waiting_request {
	sot_link all;
	bus_peer from;
	size_t size;
	char frame[];
} waiting_request;

static void settle(scheduler *s);
static void send_batch(scheduler *s);

/* ---- what waits ---- */

bool pipeline_put_request(scheduler *s, const bus_peer *from, sot_str frame)
{
	if (s->wave.waiting_count >= WAITING_MAX || s->wave.waiting_bytes + frame.n > WAITING_BYTES_MAX)
		return false;
	waiting_request *q = sot_alloc(sizeof(*q) + frame.n);
	q->from = *from;
	q->size = frame.n;
	memcpy(q->frame, frame.p, frame.n);
	sot_list_push(&s->wave.waiting, &q->all);
	s->wave.waiting_count++;
	s->wave.waiting_bytes += frame.n;
	sot_metric_set(s->metrics.requests_waiting, (int64_t)s->wave.waiting_count);
	return true;
}

/* How many there were. */
static size_t each_waiting(
    scheduler *s, size_t most, void (*take)(scheduler *s, const bus_peer *from, sot_str frame))
{
	size_t taken = 0;

	for (; taken < most && !sot_list_empty(&s->wave.waiting); taken++) {
		waiting_request *q = SOT_CONTAINER(s->wave.waiting.next, waiting_request, all);
		sot_list_remove(&q->all);
		s->wave.waiting_count--;
		s->wave.waiting_bytes -= q->size;
		take(s, &q->from, (sot_str){q->frame, q->size});
		free(q);
	}
	sot_metric_set(s->metrics.requests_waiting, (int64_t)s->wave.waiting_count);
	return taken;
}

static void decide(scheduler *s, const bus_peer *from, sot_str frame)
{
	controller_peer peer = {{0}};

	memcpy(peer.bytes, from, sizeof(*from));
	controller_request(s->c, scheduler_now(s), &peer, frame);
}

void pipeline_forget(scheduler *s)
{
	(void)each_waiting(s, SIZE_MAX, intake_refuse_not_leading);
	s->wave.is_begun = false;
	s->inflight = controller_batch_free(s->inflight);
	s->next.batch = controller_batch_free(s->next.batch);
	s->next.tx = store_tx_free(s->next.tx);
}

/* ---- waves ---- */

static void note_pace(pipeline_pace *p, size_t requests, int64_t us)
{
	p->us += (us - p->us) / PACE_PARTS;
	p->requests_256 += ((int64_t)requests * 256 - p->requests_256) / PACE_PARTS;
}

/* A quarter of what an average one takes does not depend on how many requests there are
 * (docs/adr/0060). */
static int64_t expected_us(const pipeline_pace *p, size_t requests)
{
	if (p->requests_256 == 0)
		return p->us;
	return p->us / 4 + p->us * 3 / 4 * (int64_t)requests * 256 / p->requests_256;
}

/* Of the requests that are open half are in one wave and half in the next, so that one is decided
 * while the other commits. Taken as they come they would end up in one wave of nearly all and one
 * of the rest, and each would wait for the other. */
static size_t share_of_wave(const scheduler *s)
{
	size_t half = (pressure_open(s) + 1) / 2;

	return half < WHOLE_WAVE ? WHOLE_WAVE : half;
}

/* Whether a wave that begins later would still be written before the batch in flight has ended, a
 * quarter of its time to spare (docs/adr/0062), and has not all of its share yet. */
static bool is_early(scheduler *s)
{
	int64_t prepare_us = expected_us(&s->pace.prepare, s->wave.waiting_count) * 5 / 4;
	int64_t commit_us = expected_us(&s->pace.commit, s->pace.batch);
	int64_t left_us = s->pace.sent_us + commit_us - prepare_us - sot_mono_us_now();

	if (!s->inflight || left_us < AT_ONCE_US || s->wave.waiting_count >= share_of_wave(s))
		return false;
	reactor_alarm_set_us(s->wave_alarm, left_us);
	return true;
}

/* What waits is decided; ipam is asked, unless there is nobody to ask. */
static void begin_wave(scheduler *s)
{
	s->pace.begun_us = sot_mono_us_now();
	s->pace.wave = each_waiting(s, share_of_wave(s), decide);
	s->wave.is_begun = true;
	s->wave.until = sot_mono_add_ms(reactor_now(s->r), s->config->address_wait_ms);
	if (s->config->address_wait_ms == 0 || !bus_client_is_up(s->ipam))
		return;
	controller_batch *asks;
	while ((asks = controller_ask_early(s->c, scheduler_now(s))) != NULL) {
		for (size_t k = 0; k < asks->effect_count; k++) {
			SOT_FAILPOINT_HIT("scheduler.wave.before_ipam");
			if (asks->effects[k].frame.n > 0)
				effects_ask_ipam(s, &asks->effects[k], true);
		}
		controller_batch_free(asks);
		bus_client_flush(s->ipam); /* it works on this part while the next one is placed */
	}
}

static bool must_wait(scheduler *s)
{
	int64_t left_ms = sot_mono_diff_ms(s->wave.until, reactor_now(s->r));

	if (s->wave.open == 0 || left_ms <= 0)
		return false;
	reactor_alarm_set_us(s->wave_alarm, left_ms * 1000);
	return true;
}

/* ---- batches ---- */

/* A definite no that is no fence: what is in memory is wrong. It is read anew, and told. When that
 * happens again and again, the pauses grow: another process may try, nobody spins. */
static void note_refused(scheduler *s, const store_outcome *outcome)
{
	int64_t led_ms = sot_mono_diff_ms(reactor_now(s->r), s->refused.led_since);

	if (outcome->code != SOT_CONFLICT && outcome->code != SOT_INVALID)
		return;
	sot_metric_add(s->metrics.batches_refused, 1);
	s->refused.in_a_row = led_ms < STEADY_MS ? s->refused.in_a_row + 1 : 1;
	unsigned doublings =
	    s->refused.in_a_row < REST_DOUBLINGS ? s->refused.in_a_row : REST_DOUBLINGS;
	s->refused.rest_until =
	    sot_mono_add_ms(reactor_now(s->r), (int64_t)REST_FIRST_MS << (doublings - 1));
	memcpy(s->refused.sqlstate, outcome->sqlstate, sizeof(s->refused.sqlstate));
	(void)snprintf(s->refused.constraint, sizeof(s->refused.constraint), "%s", outcome->constraint);
	(void)snprintf(s->refused.reason, sizeof(s->refused.reason), "%.*s", 399, outcome->why->text);
}

static void on_told(void *self, const store_outcome *outcome)
{
	scheduler *s = self;

	if (outcome->code == SOT_OK)
		s->refused.reason[0] = '\0';
	else
		sot_log_err(SOT_WARN, "batch.refused_not_told", outcome->why, "%s", "");
}

void pipeline_tell_refused(scheduler *s)
{
	SOT_AUTO_BUF data = {0};
	sot_err err;

	if (!s->refused.reason[0])
		return;
	sot_buf_init(&data, SOT_WIRE_FRAME_MAX);
	sot_buf_printf(&data, "{\"sqlstate\":\"%s\",\"constraint\":", s->refused.sqlstate);
	sot_buf_add_json(&data, sot_str_c(s->refused.constraint));
	sot_buf_add_c(&data, ",\"reason\":");
	sot_buf_add_json(&data, sot_str_c(s->refused.reason));
	sot_buf_add_c(&data, "}");
	event_row event = {.kind = "scheduler.refused", .actor = "svc:scheduler"};
	event.data = data.p;
	(void)snprintf(event.subject, sizeof(event.subject), "%.128s", s->holder);
	store_tx *tx = store_begin(s->store);
	write_event(s, tx, &event);
	if (store_commit(&tx, on_told, s, &err) != SOT_OK)
		sot_log_err(SOT_WARN, "batch.refused_not_told", &err, "%s", "");
}

static void on_committed(void *self, const store_outcome *outcome)
{
	scheduler *s = self;

	if (outcome->code != SOT_OK) {
		sot_metric_add(s->metrics.batches_failed, 1);
		note_refused(s, outcome);
		sot_log_err(SOT_ERROR, "batch.failed", outcome->why, "sqlstate=%s constraint=%s",
		    outcome->sqlstate, outcome->constraint);
		leadership_lose(s, true, "a batch was not committed; its memory is thrown away");
		return;
	}
	SOT_FAILPOINT_HIT("scheduler.batch.after_commit");
	sot_metric_add(s->metrics.batches, 1);
	int64_t took_ms = sot_mono_diff_ms(reactor_now(s->r), s->batch_sent);
	sot_metric_observe_ms(s->metrics.batch_ms, took_ms);
	pressure_committed(s, took_ms);
	note_pace(&s->pace.commit, s->pace.batch, sot_mono_us_now() - s->pace.sent_us);
	controller_batch *b = SOT_TAKE(s->inflight);
	if (s->next.tx)
		send_batch(s); /* the database works on while answers go out */
	effects_carry_out(s, b);
	controller_batch_free(b);
	SOT_FAILPOINT_HIT("scheduler.batch.effects_done");
	scheduler_settle(s); /* behind the answers, which take less time than a wave */
}

/* What the wave came to is written while the batch before it still commits. */
static void take_batch(scheduler *s)
{
	s->wave.is_begun = false;
	s->next.batch = controller_take_batch(s->c, scheduler_now(s));
	if (s->next.batch && controller_batch_has_rows(s->next.batch)) {
		s->next.tx = store_begin(s->store);
		write_batch(s, s->next.tx, s->next.batch);
		note_pace(&s->pace.prepare, s->pace.wave, sot_mono_us_now() - s->pace.begun_us);
	}
}

static sot_code commit(scheduler *s, sot_err *err)
{
	SOT_FAILPOINT("scheduler.batch.before_commit", err);
	s->batch_sent = reactor_now(s->r);
	s->pace.sent_us = sot_mono_us_now();
	s->pace.batch = s->pace.wave;
	sot_code code = store_commit(&s->next.tx, on_committed, s, err);
	store_send(s->store);
	SOT_FAILPOINT_HIT("scheduler.batch.sent");
	return code;
}

static void send_batch(scheduler *s)
{
	sot_err err;

	if (!s->next.tx) {
		controller_batch *b = SOT_TAKE(s->next.batch);
		effects_carry_out(s, b);
		controller_batch_free(b);
		return;
	}
	s->inflight = SOT_TAKE(s->next.batch);
	if (commit(s, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "batch.not_sent", &err, "%s", "");
		leadership_lose(s, true, "a batch could not be sent");
	}
}

static void settle(scheduler *s)
{
	if (!s->c || s->draining)
		return;
	if (!s->next.batch) {
		if (!s->wave.is_begun && is_early(s))
			return;
		if (!s->wave.is_begun)
			begin_wave(s);
		if (must_wait(s))
			return;
		take_batch(s);
	}
	if (s->inflight)
		return;
	if (s->next.batch)
		send_batch(s);
	if (!s->c || s->wave.waiting_count == 0 || is_early(s))
		return;
	begin_wave(s);
	if (!must_wait(s))
		scheduler_settle(s);
}

void pipeline_settle(void *self)
{
	settle(self);
}

static void on_settle(void *self)
{
	scheduler *s = self;

	s->settling = false;
	settle(s);
}

void scheduler_settle(scheduler *s)
{
	if (s->settling)
		return;
	s->settling = true;
	reactor_defer(s->r, on_settle, s);
}
