/* store_internal - what the files of libs/store share: transactions, connections, their lists.
 *
 * State is list membership: a transaction is in exactly one of
 *
 *   store.queue          waiting for a connection
 *   connection.inflight  handed to libpq, in the order of the answers
 *   store.finished       outcome known, callbacks still to be called
 *
 * and user callbacks are called from one place only, store_deliver, as the last act of a handler of
 * the loop: nothing below it holds a pointer that a callback could free.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include "sot_map.h"
#include "sot_metrics.h"
#include "sot_rand.h"
#include "store.h"

#include <libpq-fe.h>

enum {
	STORE_CONNECTIONS_MAX = 32,
	STORE_PIPELINE_DEPTH = 64, /* transactions in flight on one connection */
	STORE_CONNECT_DEADLINE_MS = 10000,
	STORE_BACKOFF_FIRST_MS = 50,
	STORE_BACKOFF_MAX_MS = 5000,
	STORE_QUERIES_MAX = 256,
	STORE_PARAMS_MAX = 4096,
	STORE_CALL_KINDS_MAX = 300,
};
#define STORE_TX_BYTES_MAX ((size_t)64 * 1024 * 1024)
/* Of what is kept of an item, a byte at least, at most five are sent. */
#define STORE_WIRE_BYTES_MAX (6 * STORE_TX_BYTES_MAX)

typedef struct store_connection store_connection;

struct store_result {
	const store_statement *statement;
	const PGresult *rows;
};

typedef struct store_param {
	size_t offset; /* of its text in tx->text; of an array's first item: store_array.c */
	bool is_null, is_array;
	/* Of an array: how many items, bits of their kinds, and the range of the numbers. */
	size_t items;
	unsigned kinds;
	int64_t lowest, highest;
} store_param;

/* The parameters of one query as libpq wants them. */
typedef struct store_wire {
	const char **values;
	int *lengths, *formats;
	size_t room;
	sot_buf arrays;
} store_wire;

typedef struct store_query_slot {
	int statement;
	store_rows_fn on_rows;
	void *self;
	size_t first_param, param_count;
	PGresult *result; /* owned; kept until the outcome is known */
} store_query_slot;

struct store_tx {
	sot_link link;
	store *store;
	bool read_only;
	bool own_block; /* has BEGIN and COMMIT of its own */
	bool in_array;
	bool nul_in_text; /* store_commit refuses it */

	store_query_slot *queries;
	size_t query_count;
	store_param *params;
	size_t param_count;
	sot_buf text; /* of parameters, each with a NUL behind it; and items of arrays */

	store_done_fn done;
	void *self;
	bool forgotten;
	bool retried;
	int64_t deadline_ms;
	sot_mono queued_at, deadline;

	/* In flight. The answers come as: [BEGIN] query... [COMMIT] sync. */
	size_t answers;   /* how many of them have come */
	bool commit_sent; /* COMMIT was handed to libpq */
	bool began;       /* BEGIN was answered: a refusal leaves a block open */
	bool commit_answered;
	bool committed; /* and its answer says so */
	bool bounced;   /* its BEGIN met the failed block of the transaction before it */
	bool failed;    /* a definite refusal is in `why` */
	int64_t sent_us;

	store_outcome outcome;
	sot_err why;
	char constraint[64];
};

typedef enum store_connection_state {
	STORE_DOWN,       /* no libpq object; the timer waits for the next try */
	STORE_CONNECTING, /* PQconnectPoll */
	STORE_SETUP,      /* session settings, PREPARE and DESCRIBE are in flight */
	STORE_READY,
} store_connection_state;

struct store_connection {
	store *store;
	store_connection_state state;
	PGconn *pg;
	reactor_watch *fd_watch;
	reactor_watch *timer; /* back-off while down, connect deadline while connecting */
	int attempts;         /* failed tries in a row, for the back-off */
	sot_link inflight;
	size_t inflight_count;
	/* A transaction was refused and left its block open. What was in flight behind it bounces off
	 * that block, unexecuted; the ROLLBACK in flight behind all of them ends it. */
	bool rolling_back;
	sot_link bounced;
	size_t setup_answers;
	int64_t free_at_us; /* when the server was last seen to be done with something */
};

struct store {
	reactor *loop;
	char *conninfo;
	char *service;
	const store_statement *statements;
	size_t statement_count;
	Oid **param_types; /* of each statement; NULL until a connection has described it */
	store_wire wire;
	int64_t deadline_ms, queue_max;
	store_up_fn on_up;
	void *self;
	bool up, up_told;
	sot_err last_error, told; /* why nothing is up; what on_up was told last */
	sot_rand rand;

	store_connection *connections;
	int connection_count;
	sot_link queue;
	int64_t queue_depth;
	sot_link finished;
	store_tx *current; /* whose callbacks are being called */
	bool delivering, freed;
	reactor_watch *pump_timer;     /* 0 ms: send what was queued in this turn */
	reactor_watch *deadline_timer; /* armed for the earliest deadline */

	sot_calls *calls; /* of the process */
	sot_metric *m_queue_depth, *m_queue_age_ms, *m_latency_ms, *m_reconnects, *m_connections;
	sot_metric *m_outcomes[9];
};

/* ---- store_tx.c ---- */
/* The parameters of one query, whose types are known, as libpq wants them. Borrowed from `tx` and
 * `wire` until either changes. */
void store_tx_values(
    const store_tx *tx, const store_query_slot *query, const Oid *types, store_wire *wire);
void store_wire_clear(store_wire *wire);
/* A text of a parameter or an item. */
void store_tx_add_text(store_tx *tx, sot_str s);

/* ---- store_array.c ---- */
/* Adds an array of this type. True: in binary; false: as text, with its NUL. */
bool store_array_write(const store_param *param, const char *items, Oid type, sot_buf *out);
void store_tx_drop_results(store_tx *tx);
/* Sets the outcome once; `why` is copied when not NULL. */
void store_tx_settle(store_tx *tx, sot_code code, const sot_err *why);

/* ---- store_session.c: what is the same for the blocking check and the loop ---- */
/* Begins a connection (not yet established). NULL only when memory is out. */
PGconn *store_session_start(const char *conninfo, const char *service);
/* How many results answer store_session_send: settings, then PREPARE and DESCRIBE of each. */
size_t store_session_answers(size_t statement_count);
/* Queues settings, PREPAREs, DESCRIBEs and one sync in a connection in pipeline mode. */
sot_code store_session_send(PGconn *pg, const store_statement *statements, size_t statement_count,
    int64_t deadline_ms, sot_err *err) SOT_CHECK;
/* Judges answer number `index` of store_session_send. */
sot_code store_session_accept(
    const store_statement *statements, size_t index, const PGresult *res, sot_err *err) SOT_CHECK;
/* Keeps the types of the parameters, if answer number `index` tells of them. */
void store_session_keep_types(store *s, size_t index, const PGresult *res);
/* "<SQLSTATE> <message>" of a failed result, on one line. */
void store_result_text(const PGresult *res, char *dst, size_t dst_size);
/* What a definite error of PostgreSQL means: SOT_UNAVAILABLE for what may pass by itself. */
sot_code store_code_of(const char *sqlstate);
/* libpq's last message of a connection on one line. */
void store_pg_text(const PGconn *pg, char *dst, size_t dst_size);

/* ---- store_connection.c ---- */
void store_connection_init(store_connection *c, store *s);
void store_connection_open(store_connection *c);
/* Closes it, ends all it has in flight by the rules of store_outcome, and plans the next try. */
void store_connection_lose(store_connection *c, const sot_err *why);
/* The same without a next try, and the watches are gone too. */
void store_connection_clear(store_connection *c, const sot_err *why);
/* Hands one transaction to libpq. On failure the connection is lost and the transaction settled. */
void store_connection_send(store_connection *c, store_tx *tx);
void store_connection_flush(store_connection *c);

/* ---- store_answers.c ---- */
/* Reads all answers that have come. SOT_UNAVAILABLE when the connection is broken. */
sot_code store_connection_read(store_connection *c, sot_err *err) SOT_CHECK;
/* Settles a transaction whose connection was lost while it was in flight. */
void store_tx_lost(store_tx *tx, const sot_err *why);
/* Sends the ROLLBACK that ends a failed block. */
sot_code store_connection_roll_back(store_connection *c, sot_err *err) SOT_CHECK;

/* ---- store.c ---- */
void store_finish(store *s, store_tx *tx);   /* moves it to `finished` */
void store_requeue(store *s, sot_link *txs); /* puts them in front of the queue, in order */
void store_pump_soon(store *s);
void store_deliver(store *s); /* last act of every handler: `s` may be freed by it */
void store_set_up(store *s);

#endif
