/* store_connection - the life of one connection: connect, set up, send, lose, try again.
 *
 *   DOWN --timer--> CONNECTING --PQconnectPoll--> SETUP --all statements agree--> READY
 *    ^                   |                          |                              |
 *    +-------------------+--------------------------+-------- any loss ------------+
 */
#include "store_internal.h"

#include "sot_failpoint.h"

#include <stdlib.h>
#include <sys/socket.h>

/* A whole batch goes out at once, while the loop works on the next; what does not fit waits for a
 * turn of it. A socket of the file system takes 200 kB otherwise (net.core.wmem_max bounds it); TCP
 * finds its room by itself. */
#define SEND_ROOM_BYTES (2 * 1024 * 1024)

static void on_fd(void *self, int fd, int events);

static void watch(store_connection *c, int events)
{
	c->fd_watch = reactor_remove(c->fd_watch);
	c->fd_watch = reactor_add_fd(c->store->loop, PQsocket(c->pg), events, on_fd, c);
}

/* Full jitter: many services that lose one database must not come back in step. */
static int64_t backoff_ms(store_connection *c)
{
	int64_t ceiling = STORE_BACKOFF_MAX_MS;
	if (c->attempts < 7)
		ceiling = (int64_t)STORE_BACKOFF_FIRST_MS << c->attempts;
	if (ceiling > STORE_BACKOFF_MAX_MS)
		ceiling = STORE_BACKOFF_MAX_MS;
	return 1 + (int64_t)sot_rand_below(&c->store->rand, (uint64_t)ceiling);
}

static sot_code pg_failed(const store_connection *c, const char *what, sot_err *err)
{
	char text[180];
	store_pg_text(c->pg, text, sizeof(text));
	return sot_fail(err, SOT_UNAVAILABLE, "%s: %s", what, text);
}

/* A read that lost its connection is tried once more; whatever else was in flight ends here. */
static void give_up_inflight(store_connection *c, const sot_err *why)
{
	sot_link again;
	sot_list_init(&again);
	while (!sot_list_empty(&c->inflight)) {
		store_tx *tx = SOT_CONTAINER(c->inflight.next, store_tx, link);
		sot_list_remove(&tx->link);
		bool late = sot_mono_reached(reactor_now(c->store->loop), tx->deadline);
		if (tx->bounced || (tx->read_only && !tx->failed && !tx->retried && !late)) {
			tx->retried = !tx->bounced;
			sot_list_push(&again, &tx->link);
			continue;
		}
		store_tx_lost(tx, why);
		store_finish(c->store, tx);
	}
	c->inflight_count = 0;
	store_requeue(c->store, &again);
	store_requeue(c->store, &c->bounced);
	c->rolling_back = false;
}

static void close_session(store_connection *c, const sot_err *why)
{
	c->fd_watch = reactor_remove(c->fd_watch);
	if (c->pg)
		PQfinish(c->pg);
	c->pg = NULL;
	c->state = STORE_DOWN;
	give_up_inflight(c, why);
}

void store_connection_lose(store_connection *c, const sot_err *why)
{
	store *s = c->store;
	sot_err reason = *why; /* may be s->last_error itself */
	close_session(c, &reason);
	sot_metric_add(s->m_reconnects, 1);
	s->last_error = reason;
	store_set_up(s);
	reactor_rearm_ms(c->timer, backoff_ms(c));
	c->attempts++;
}

void store_connection_clear(store_connection *c, const sot_err *why)
{
	close_session(c, why);
	c->timer = reactor_remove(c->timer);
}

/* ---- connecting ---- */

static void begin_setup(store_connection *c)
{
	const int room = SEND_ROOM_BYTES;
	const char *host = PQhost(c->pg);
	sot_err err = {0};
	if (host != NULL && host[0] == '/')
		(void)setsockopt(PQsocket(c->pg), SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1) {
		(void)pg_failed(c, "pipeline mode", &err);
		store_connection_lose(c, &err);
		return;
	}
	store *s = c->store;
	c->state = STORE_SETUP;
	c->setup_answers = 0;
	if (store_session_send(c->pg, s->statements, s->statement_count, s->deadline_ms, &err) !=
	    SOT_OK) {
		store_connection_lose(c, &err);
		return;
	}
	watch(c, REACTOR_READ);
	store_connection_flush(c);
}

static void poll_connect(store_connection *c)
{
	/* libpq may close its socket and open another one inside PQconnectPoll. */
	c->fd_watch = reactor_remove(c->fd_watch);
	sot_err err = {0};
	switch (PQconnectPoll(c->pg)) {
	case PGRES_POLLING_READING:
		watch(c, REACTOR_READ);
		break;
	case PGRES_POLLING_WRITING:
		watch(c, REACTOR_WRITE);
		break;
	case PGRES_POLLING_OK:
		begin_setup(c);
		break;
	default:
		(void)pg_failed(c, "connecting to the database", &err);
		store_connection_lose(c, &err);
	}
}

void store_connection_open(store_connection *c)
{
	sot_err err = {0};
	c->pg = store_session_start(c->store->conninfo, c->store->service);
	reactor_rearm_ms(c->timer, STORE_CONNECT_DEADLINE_MS);
	if (!c->pg || PQstatus(c->pg) == CONNECTION_BAD) {
		if (c->pg)
			(void)pg_failed(c, "connecting to the database", &err);
		else
			(void)sot_fail(&err, SOT_UNAVAILABLE, "connecting to the database: out of memory");
		store_connection_lose(c, &err);
		return;
	}
	c->state = STORE_CONNECTING;
	/* libpq: behave as if the last PQconnectPoll had answered WRITING. */
	watch(c, REACTOR_WRITE);
}

static void on_timer(void *self, uint64_t missed)
{
	(void)missed;
	store_connection *c = self;
	if (c->state == STORE_DOWN) {
		store_connection_open(c);
	} else if (c->state != STORE_READY) {
		sot_err err = {0};
		(void)sot_fail(&err, SOT_UNAVAILABLE, "connecting to the database: no answer for %d ms",
		    STORE_CONNECT_DEADLINE_MS);
		store_connection_lose(c, &err);
	}
	store_deliver(c->store);
}

void store_connection_init(store_connection *c, store *s)
{
	*c = (store_connection){.store = s, .state = STORE_DOWN};
	sot_list_init(&c->inflight);
	sot_list_init(&c->bounced);
	c->timer = reactor_after_ms(s->loop, 0, on_timer, c);
}

/* ---- sending ---- */

static bool send_plain(store_connection *c, const char *sql)
{
	return PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static sot_code send_queries(store_connection *c, const store_tx *tx, sot_err *err)
{
	store_wire *wire = &c->store->wire;
	for (size_t i = 0; i < tx->query_count; i++) {
		const store_query_slot *query = &tx->queries[i];
		store_tx_values(tx, query, c->store->param_types[query->statement], wire);
		if (PQsendQueryPrepared(c->pg, c->store->statements[query->statement].name,
		        (int)query->param_count, wire->values, wire->lengths, wire->formats, 0) != 1)
			return pg_failed(c, "sending a transaction", err);
	}
	return SOT_OK;
}

static sot_code send_commit(store_connection *c, store_tx *tx, sot_err *err)
{
	if (!tx->read_only)
		SOT_FAILPOINT("store.tx.before_commit", err);
	tx->commit_sent = true;
	return send_plain(c, "COMMIT") ? SOT_OK : pg_failed(c, "sending COMMIT", err);
}

static sot_code send_tx(store_connection *c, store_tx *tx, sot_err *err)
{
	const char *begin = tx->read_only ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" : "BEGIN";
	if (tx->own_block && !send_plain(c, begin))
		return pg_failed(c, "sending BEGIN", err);
	sot_code code = send_queries(c, tx, err);
	if (code == SOT_OK && tx->own_block)
		code = send_commit(c, tx, err);
	if (code == SOT_OK && PQpipelineSync(c->pg) != 1)
		code = pg_failed(c, "sending a transaction", err);
	return code;
}

void store_connection_send(store_connection *c, store_tx *tx)
{
	sot_err err = {0};
	tx->answers = 0;
	tx->commit_sent = tx->began = tx->commit_answered = tx->committed = false;
	tx->bounced = tx->failed = false;
	tx->sent_us = sot_mono_us_now();
	store_tx_drop_results(tx);
	sot_list_push(&c->inflight, &tx->link);
	c->inflight_count++;
	if (send_tx(c, tx, &err) != SOT_OK)
		store_connection_lose(c, &err);
}

sot_code store_connection_roll_back(store_connection *c, sot_err *err)
{
	c->rolling_back = true;
	if (!send_plain(c, "ROLLBACK") || PQpipelineSync(c->pg) != 1)
		return pg_failed(c, "sending ROLLBACK", err);
	return SOT_OK;
}

void store_connection_flush(store_connection *c)
{
	int left = PQflush(c->pg);
	if (left >= 0) {
		reactor_want(c->fd_watch, left == 1 ? REACTOR_READ | REACTOR_WRITE : REACTOR_READ);
		return;
	}
	/* What the server said before it hung up may hold the answer to a COMMIT. The socket may be
	 * closed by libpq already, so the watch cannot be used any more. */
	sot_err err = {0};
	if (store_connection_read(c, &err) == SOT_OK)
		(void)pg_failed(c, "writing to the database", &err);
	store_connection_lose(c, &err);
}

static void on_fd(void *self, int fd, int events)
{
	(void)fd;
	store_connection *c = self;
	store *s = c->store;
	sot_err err = {0};
	if (c->state == STORE_CONNECTING) {
		poll_connect(c);
	} else {
		if (events & (REACTOR_READ | REACTOR_ERROR) && store_connection_read(c, &err) != SOT_OK)
			store_connection_lose(c, &err);
		if (c->pg)
			store_connection_flush(c);
		store_pump_soon(s);
	}
	store_deliver(s);
}
