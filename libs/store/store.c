/* store - the queue of transactions, who sends them, and the one place that calls back. */
#include "store_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Metrics belong to the process: a second store adds to the same ones. */
static void register_metrics(store *s)
{
	s->calls = store_calls();
	s->m_queue_depth = sot_gauge("sot_store_queue_transactions", NULL,
	    "Transactions that wait for a connection to the database");
	s->m_queue_age_ms =
	    sot_gauge("sot_store_queue_age_ms", NULL, "How long the oldest of them has waited");
	s->m_latency_ms = sot_histogram_ms(
	    "sot_store_transaction_ms", NULL, "From queueing a transaction to its outcome");
	s->m_reconnects = sot_counter(
	    "sot_store_connection_losses_total", NULL, "Connections to the database that were lost");
	s->m_connections =
	    sot_gauge("sot_store_connections_ready", NULL, "Connections that take transactions");
	static const struct {
		sot_code code;
		const char *labels;
	} outcomes[] = {
	    {SOT_OK, "outcome=\"ok\""},
	    {SOT_INVALID, "outcome=\"invalid\""},
	    {SOT_CONFLICT, "outcome=\"conflict\""},
	    {SOT_UNAVAILABLE, "outcome=\"unavailable\""},
	    {SOT_INTERNAL, "outcome=\"internal\""},
	    {SOT_DENIED, "outcome=\"denied\""},
	    {SOT_UNKNOWN, "outcome=\"unknown\""},
	};
	for (size_t i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		s->m_outcomes[outcomes[i].code] = sot_counter(
		    "sot_store_transactions_total", outcomes[i].labels, "Transactions by outcome");
}

sot_calls *store_calls(void)
{
	static sot_calls *calls;
	if (!calls)
		calls = sot_calls_new(STORE_CALL_KINDS_MAX);
	return calls;
}

bool store_is_up(const store *s)
{
	return s->up;
}

void store_set_up(store *s)
{
	int ready = 0;
	for (int i = 0; i < s->connection_count; i++)
		ready += s->connections[i].state == STORE_READY;
	s->up = ready > 0;
	sot_metric_set(s->m_connections, ready);
	store_pump_soon(s);
}

/* ---- delivery ---- */

void store_finish(store *s, store_tx *tx)
{
	int64_t took_ms = sot_mono_diff_ms(reactor_now(s->loop), tx->queued_at);
	sot_metric_observe_ms(s->m_latency_ms, took_ms);
	sot_metric_add(s->m_outcomes[tx->outcome.code], 1);
	sot_list_push(&s->finished, &tx->link);
}

static void call_back(store *s, store_tx *tx)
{
	for (size_t i = 0; tx->outcome.code == SOT_OK && i < tx->query_count; i++) {
		const store_query_slot *query = &tx->queries[i];
		store_result res = {&s->statements[query->statement], query->result};
		if (query->on_rows && !tx->forgotten)
			query->on_rows(query->self, &res);
	}
	if (!tx->forgotten)
		tx->done(tx->self, &tx->outcome);
}

static void deliver_finished(store *s)
{
	store_tx *outer = s->current;
	while (!sot_list_empty(&s->finished)) {
		store_tx *tx = SOT_CONTAINER(s->finished.next, store_tx, link);
		sot_list_remove(&tx->link);
		s->current = tx;
		call_back(s, tx);
		s->current = store_tx_free(tx);
	}
	s->current = outer;
}

/* Tells each change, and while nothing is up each new reason. */
static void tell_up(store *s)
{
	bool new_reason =
	    !s->up && s->last_error.code != SOT_OK && strcmp(s->last_error.text, s->told.text) != 0;
	if (s->up == s->up_told && !new_reason)
		return;
	s->up_told = s->up;
	s->told = s->up ? (sot_err){0} : s->last_error;
	if (s->on_up)
		s->on_up(s->self, s->up, s->up ? NULL : &s->told);
}

static void destroy(store *s)
{
	for (size_t i = 0; i < s->statement_count; i++)
		free(s->param_types[i]);
	free(s->param_types);
	store_wire_clear(&s->wire);
	free(s->connections);
	free(s->conninfo);
	free(s->service);
	free(s);
}

void store_deliver(store *s)
{
	if (s->delivering)
		return;
	s->delivering = true;
	tell_up(s);
	if (!s->freed)
		deliver_finished(s);
	s->delivering = false;
	if (s->freed)
		destroy(s);
}

/* ---- the queue ---- */

void store_requeue(store *s, sot_link *txs)
{
	while (!sot_list_empty(txs)) {
		sot_link *last = txs->prev;
		sot_list_remove(last);
		/* Insert behind the head of the list: in front of everything. */
		sot_list_push(s->queue.next, last);
		s->queue_depth++;
	}
	store_pump_soon(s);
}

void store_pump_soon(store *s)
{
	if (s->pump_timer)
		reactor_rearm_ms(s->pump_timer, 0);
}

static store_connection *least_loaded(store *s)
{
	store_connection *best = NULL;
	for (int i = 0; i < s->connection_count; i++) {
		store_connection *c = &s->connections[i];
		if (c->state != STORE_READY || c->rolling_back || c->inflight_count >= STORE_PIPELINE_DEPTH)
			continue;
		if (!best || c->inflight_count < best->inflight_count)
			best = c;
	}
	return best;
}

static void send_queued(store *s)
{
	while (!sot_list_empty(&s->queue)) {
		store_connection *c = least_loaded(s);
		if (!c)
			break;
		store_tx *tx = SOT_CONTAINER(s->queue.next, store_tx, link);
		sot_list_remove(&tx->link);
		s->queue_depth--;
		store_connection_send(c, tx);
	}
	for (int i = 0; i < s->connection_count; i++) {
		if (s->connections[i].state == STORE_READY)
			store_connection_flush(&s->connections[i]);
	}
}

void store_send(store *s)
{
	if (!s->freed)
		send_queued(s);
}

static void expire_queued(store *s, sot_mono now)
{
	while (!sot_list_empty(&s->queue)) {
		store_tx *tx = SOT_CONTAINER(s->queue.next, store_tx, link);
		if (!sot_mono_reached(now, tx->deadline))
			break;
		sot_list_remove(&tx->link);
		s->queue_depth--;
		sot_err why = {0};
		(void)sot_fail(&why, SOT_UNAVAILABLE, "not sent to the database within %lld ms%s%s",
		    (long long)tx->deadline_ms, s->last_error.code ? ": " : "", s->last_error.text);
		store_tx_settle(tx, SOT_UNAVAILABLE, &why);
		store_finish(s, tx);
	}
}

/* A connection that misses a deadline is closed: nothing that is still queued in its pipeline
 * could be trusted to be answered. No PQcancel: it blocks, and the server may be frozen. */
static void expire_inflight(store *s, sot_mono now)
{
	for (int i = 0; i < s->connection_count; i++) {
		store_connection *c = &s->connections[i];
		if (sot_list_empty(&c->inflight))
			continue;
		const store_tx *head = SOT_CONTAINER(c->inflight.next, store_tx, link);
		if (!sot_mono_reached(now, head->deadline))
			continue;
		sot_err why = {0};
		(void)sot_fail(&why, SOT_UNAVAILABLE, "the database did not answer within %lld ms",
		    (long long)head->deadline_ms);
		store_connection_lose(c, &why);
	}
}

static void arm_deadline(store *s)
{
	int64_t earliest_ms = INT64_MAX;
	if (!sot_list_empty(&s->queue))
		earliest_ms = SOT_CONTAINER(s->queue.next, store_tx, link)->deadline.ms;
	for (int i = 0; i < s->connection_count; i++) {
		store_connection *c = &s->connections[i];
		if (sot_list_empty(&c->inflight))
			continue;
		int64_t deadline_ms = SOT_CONTAINER(c->inflight.next, store_tx, link)->deadline.ms;
		if (deadline_ms < earliest_ms)
			earliest_ms = deadline_ms;
	}
	if (earliest_ms == INT64_MAX) {
		reactor_rearm_ms(s->deadline_timer, -1);
		return;
	}
	int64_t left_ms = earliest_ms - reactor_now(s->loop).ms;
	reactor_rearm_ms(s->deadline_timer, left_ms > 0 ? left_ms : 0);
}

static void show_queue(store *s)
{
	int64_t age_ms = 0;
	if (!sot_list_empty(&s->queue))
		age_ms = sot_mono_diff_ms(
		    reactor_now(s->loop), SOT_CONTAINER(s->queue.next, store_tx, link)->queued_at);
	sot_metric_set(s->m_queue_depth, s->queue_depth);
	sot_metric_set(s->m_queue_age_ms, age_ms);
}

static void on_pump(void *self, uint64_t missed)
{
	(void)missed;
	store *s = self;
	send_queued(s);
	arm_deadline(s);
	show_queue(s);
	store_deliver(s);
}

static void on_deadline(void *self, uint64_t missed)
{
	(void)missed;
	store *s = self;
	sot_mono now = reactor_now(s->loop);
	expire_inflight(s, now);
	expire_queued(s, now);
	arm_deadline(s);
	show_queue(s);
	store_deliver(s);
}

static sot_code check_tx(const store_tx *tx, sot_err *err)
{
	const store *s = tx->store;
	assert(!tx->in_array && "store_arg_array_end is missing");
	if (s->freed)
		return sot_fail(err, SOT_UNAVAILABLE, "the store is closed");
	if (tx->query_count == 0)
		return sot_fail(err, SOT_INTERNAL, "a transaction without a statement");
	for (size_t i = 0; i < tx->query_count; i++) {
		const store_statement *statement = &s->statements[tx->queries[i].statement];
		if (tx->queries[i].param_count != (size_t)statement->param_count)
			return sot_fail(err, SOT_INTERNAL, "statement %s takes %d parameters, got %zu",
			    statement->name, statement->param_count, tx->queries[i].param_count);
	}
	if (tx->nul_in_text)
		return sot_fail(err, SOT_INVALID, "a text parameter holds a NUL byte");
	if (sot_buf_failed(&tx->text))
		return sot_fail(
		    err, SOT_LIMIT, "a transaction is larger than %zu bytes", STORE_TX_BYTES_MAX);
	if (s->queue_depth >= s->queue_max)
		return sot_fail(err, SOT_LIMIT, "%lld transactions wait for the database already",
		    (long long)s->queue_depth);
	return SOT_OK;
}

sot_code store_commit(store_tx **tx_p, store_done_fn done, void *self, sot_err *err)
{
	store_tx *tx = SOT_TAKE(*tx_p);
	store *s = tx->store;
	sot_code code = check_tx(tx, err);
	if (code != SOT_OK) {
		store_tx_free(tx);
		return code;
	}
	tx->own_block = !tx->read_only || tx->query_count > 1;
	tx->done = done;
	tx->self = self;
	tx->queued_at = reactor_now(s->loop);
	tx->deadline = sot_mono_add_ms(tx->queued_at, tx->deadline_ms);
	sot_list_push(&s->queue, &tx->link);
	s->queue_depth++;
	store_pump_soon(s);
	return SOT_OK;
}

static void forget_in(sot_link *list, const void *self)
{
	for (sot_link *l = list->next; l != list; l = l->next) {
		store_tx *tx = SOT_CONTAINER(l, store_tx, link);
		tx->forgotten |= tx->self == self;
	}
}

void store_forget(store *s, void *self)
{
	forget_in(&s->queue, self);
	forget_in(&s->finished, self);
	for (int i = 0; i < s->connection_count; i++) {
		forget_in(&s->connections[i].inflight, self);
		forget_in(&s->connections[i].bounced, self);
	}
	if (s->current && s->current->self == self)
		s->current->forgotten = true;
}

/* ---- life ---- */

static sot_code check_options(const store_options *options, sot_err *err)
{
	if (options->connections < 1 || options->connections > STORE_CONNECTIONS_MAX)
		return sot_fail(err, SOT_INVALID, "%d database connections, must be 1..%d",
		    options->connections, STORE_CONNECTIONS_MAX);
	if (options->deadline_ms < 0 || options->queue_max < 0)
		return sot_fail(err, SOT_INVALID, "negative deadline or queue length");
	return SOT_OK;
}

sot_code store_new(reactor *r, const store_options *options, store_up_fn on_up, void *self,
    store **ret, sot_err *err)
{
	sot_code code = check_options(options, err);
	if (code != SOT_OK)
		return code;
	store *s = sot_alloc(sizeof(*s));
	s->loop = r;
	s->conninfo = sot_strdup(options->conninfo);
	s->service = sot_strdup(options->service);
	s->statements = options->statements;
	s->statement_count = options->statement_count;
	s->param_types = sot_alloc_array(s->statement_count + 1, sizeof(*s->param_types));
	sot_buf_init(&s->wire.arrays, STORE_WIRE_BYTES_MAX);
	s->deadline_ms = options->deadline_ms ? options->deadline_ms : 5000;
	s->queue_max = options->queue_max ? options->queue_max : 10000;
	s->on_up = on_up;
	s->self = self;
	uint64_t seed;
	sot_rand_bytes(&seed, sizeof(seed));
	sot_rand_seed(&s->rand, seed);
	sot_list_init(&s->queue);
	sot_list_init(&s->finished);
	register_metrics(s);
	s->pump_timer = reactor_after_ms(r, -1, on_pump, s);
	s->deadline_timer = reactor_after_ms(r, -1, on_deadline, s);
	s->connection_count = options->connections;
	s->connections = sot_alloc_array((size_t)options->connections, sizeof(*s->connections));
	for (int i = 0; i < s->connection_count; i++)
		store_connection_init(&s->connections[i], s);
	*ret = s;
	return SOT_OK;
}

store *store_free(store *s)
{
	if (!s || s->freed)
		return NULL;
	s->freed = true;
	s->pump_timer = reactor_remove(s->pump_timer);
	s->deadline_timer = reactor_remove(s->deadline_timer);
	sot_err why = {0};
	(void)sot_fail(&why, SOT_UNAVAILABLE, "the store is closed");
	for (int i = 0; i < s->connection_count; i++)
		store_connection_clear(&s->connections[i], &why);
	while (!sot_list_empty(&s->queue)) {
		store_tx *tx = SOT_CONTAINER(s->queue.next, store_tx, link);
		sot_list_remove(&tx->link);
		store_tx_settle(tx, SOT_UNAVAILABLE, &why);
		store_finish(s, tx);
	}
	deliver_finished(s);
	if (!s->delivering)
		destroy(s);
	return NULL;
}
