/* truth_guard - whether the database is the one that it was.
 *
 *   start: unknown (nothing is given out) --read--> as it was ----------------> open
 *                                              +--> older than the witness, a new stream,
 *                                                   or a host that has seen more
 *                                                     --> quarantine --every host reported--> open
 *                                                              +------an operator's word-----^
 *
 * The witness is a file of ipam's own: the newest event that it has seen in the database. The state
 * itself is a row (ipam.guard), so that a second ipam and a restart keep it.
 */
#include "agents.h"

#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = SOT_CONFIG_VALUE_MAX + 16, WITNESS_BYTES = 200 };

/* The write of the witness file, on a thread, because it waits for the disk. One at a time; static,
 * because a write that runs outlives the agents (reactor_free waits for it). */
typedef struct witness_write {
	agents *agents; /* whose write it is; NULL: none, or they are gone */
	char path[PATH_BYTES];
	truth_witness witness;
	sot_code code;
	sot_err err;
} witness_write;
static witness_write writing;

static void path_of(const agents *a, char dst[static PATH_BYTES])
{
	(void)snprintf(dst, PATH_BYTES, "%s/witness", a->config->state_dir);
}

sot_code truth_guard_open(agents *a, sot_err *err)
{
	char path[PATH_BYTES];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, WITNESS_BYTES);
	if (a->config->state_dir[0] == '\0')
		return SOT_OK;
	sot_code code = sot_mkdirs(a->config->state_dir, 0700, err);
	path_of(a, path);
	if (code != SOT_OK || access(path, F_OK) != 0)
		return code;
	code = sot_file_read(path, &text, err);
	if (code == SOT_OK)
		code = truth_witness_parse(sot_buf_str(&text), &a->witness, err);
	if (code != SOT_OK)
		(void)sot_wrap(err, "%s (delete it when the database is known not to be restored)", path);
	return code;
}

/* ---- the witness ---- */

static void write_witness(void *arg)
{
	witness_write *w = arg;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, WITNESS_BYTES);
	truth_witness_format(&w->witness, &text);
	w->code = sot_file_write(w->path, sot_buf_str(&text), 0600, &w->err);
}

static void on_witness_written(void *arg)
{
	witness_write *w = arg;
	if (w->code != SOT_OK)
		sot_log_err(SOT_WARN, "witness.unwritten", &w->err, "%s", "");
	else if (w->agents)
		w->agents->witness = w->witness;
	w->agents = NULL;
}

static void on_flushed(void *self, const store_outcome *outcome)
{
	agents *a = self;
	if (outcome->code == SOT_OK && writing.agents == a)
		reactor_queue_work(a->loop, write_witness, on_witness_written, &writing);
	else
		writing.agents = NULL;
}

/* What the database has now is what it must have from now on: also after it was killed, so that
 * what was read is on its disk first. Reservations are seen sooner (docs/adr/0044). */
static void remember(agents *a)
{
	const truth_life *life = &a->life;
	bool is_known = sot_uuid_eq(a->witness.stream, life->stream) &&
	                a->witness.event_number == life->event_number &&
	                a->witness.event_id >= life->event_id;
	if (a->config->state_dir[0] == '\0' || writing.agents || a->is_quarantined || is_known)
		return;
	writing.agents = a;
	path_of(a, writing.path);
	writing.witness = (truth_witness){life->stream, life->event_number, life->event_id};
	store_tx *tx = store_begin(a->store);
	store_query(tx, IPAM_SQL_GUARD_FLUSH, NULL, NULL);
	if (!agents_commit(a, tx, on_flushed, "witness"))
		writing.agents = NULL;
}

/* ---- what holds ---- */

static void say_blocked(agents *a, const char *reason, const char *awaited_names)
{
	char text[sizeof(a->blocked)];
	(void)snprintf(text, sizeof(text),
	    "quarantine: %s; no address is given out or freed before every host has reported what it "
	    "uses. Awaited: %zu host%s%s%s",
	    reason, a->awaited, a->awaited == 1 ? "" : "s", a->awaited > 0 ? ", as " : "",
	    awaited_names);
	if (strcmp(text, a->blocked) == 0)
		return;
	memcpy(a->blocked, text, sizeof(a->blocked));
	ipam_block(a->ip, a->blocked);
}

static void open_again(agents *a)
{
	if (a->blocked[0] == '\0')
		return;
	a->blocked[0] = '\0';
	sot_log(SOT_INFO, "quarantine.ended", "%s", "");
	ipam_reload(a->ip);
	ipam_block(a->ip, NULL);
}

static void take_state(agents *a, const store_result *res)
{
	char reason[TRUTH_DETAIL_MAX], names[400];
	(void)snprintf(reason, sizeof(reason), "%.*s", SOT_ARG(store_text(res, 0, 4)));
	(void)snprintf(names, sizeof(names), "%.*s", SOT_ARG(store_text(res, 0, 9)));
	if (!a->is_settled)
		sot_log(
		    SOT_INFO, "guard.read", "quarantined=%d braked=%d", a->is_quarantined, a->is_braked);
	a->is_settled = true;
	if (a->is_quarantined)
		say_blocked(a, reason, names);
	else
		open_again(a);
	sot_metric_set(a->m_quarantine, a->is_quarantined);
	sot_metric_set(a->m_awaited, (int64_t)a->awaited);
	sot_metric_set(a->m_brake, a->is_braked);
}

/* ---- changes ---- */

void truth_guard_engage(agents *a, store_tx *tx, const char *reason, bool again)
{
	sot_log(SOT_WARN, "quarantine.begins", "reason=\"%s\"", reason);
	SOT_FAILPOINT_HIT("ipam.quarantine.before_engage");
	/* From now on; the row follows, or the evidence is found again. */
	a->is_quarantined = true;
	say_blocked(a, reason, "all");
	store_query(tx, IPAM_SQL_GUARD_ENGAGE, NULL, NULL);
	store_arg_c(tx, reason);
	store_arg_bool(tx, again);
}

static void on_engaged(void *self, const store_outcome *outcome)
{
	agents *a = self;
	a->is_engaging = false;
	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "guard.unchanged", outcome->why, "%s", "");
		return; /* the next reading finds the same */
	}
	/* Told once: from here on the witness is of this database. */
	a->witness = (truth_witness){a->life.stream, a->life.event_number, a->life.event_id};
	a->is_settled = true;
	ipam_hint(a->ip);
	truth_guard_read(a, 0);
}

static void on_settled(void *self, const store_outcome *outcome)
{
	agents *a = self;
	if (outcome->code == SOT_OK)
		ipam_hint(a->ip);
	else
		sot_log_err(SOT_WARN, "guard.unchanged", outcome->why, "%s", "");
	truth_guard_read(a, 0);
}

static void settle(agents *a)
{
	store_tx *tx = store_begin(a->store);
	store_query(tx, IPAM_SQL_GUARD_SETTLE, NULL, NULL);
	(void)agents_commit(a, tx, on_settled, "quarantine");
}

/* ---- reading ---- */

static sot_code read_life(agents *a, const store_result *res, sot_err *err)
{
	int64_t epoch = 0, number = 0, id = 0, awaited = 0;
	sot_code code = store_uuid(res, 0, 0, &a->life.stream, err);
	if (code == SOT_OK)
		code = store_uuid(res, 0, 1, &a->life.guard_stream, err);
	if (code == SOT_OK)
		code = store_bool(res, 0, 2, &a->is_braked, err);
	if (code == SOT_OK)
		code = store_bool(res, 0, 3, &a->is_quarantined, err);
	if (code == SOT_OK)
		code = store_i64(res, 0, 5, &epoch, err);
	if (code == SOT_OK)
		code = store_i64(res, 0, 6, &number, err);
	if (code == SOT_OK)
		code = store_i64(res, 0, 7, &id, err);
	if (code == SOT_OK)
		code = store_i64(res, 0, 8, &awaited, err);
	a->life.leader_epoch = (uint64_t)epoch;
	a->life.event_number = (uint64_t)number;
	a->life.event_id = (uint64_t)id;
	a->awaited = (size_t)awaited;
	return code;
}

static void on_guard(void *self, const store_result *res)
{
	agents *a = self;
	char reason[TRUTH_DETAIL_MAX];
	sot_err err = {0};
	if (store_rows(res) != 1 || read_life(a, res, &err) != SOT_OK) {
		sot_log_err(SOT_ERROR, "guard.unreadable", &err, "rows=%zu", store_rows(res));
		return;
	}
	if (truth_was_restored(&a->life, &a->witness, reason)) {
		store_tx *tx = store_begin(a->store);
		truth_guard_engage(a, tx, reason, true);
		a->is_engaging = agents_commit(a, tx, on_engaged, "quarantine");
		return;
	}
	take_state(a, res);
	if (a->is_quarantined && a->awaited == 0)
		settle(a);
	remember(a);
}

static void on_guard_done(void *self, const store_outcome *outcome)
{
	agents *a = self;
	a->is_reading_guard = false;
	if (outcome->code != SOT_OK) {
		sot_log_err(SOT_WARN, "guard.unread", outcome->why, "%s", "");
		return;
	}
	truth_batch_pump(a);
	ipam_pump_soon(a->ip);
}

void truth_guard_read(void *self, uint64_t missed)
{
	agents *a = self;
	(void)missed;
	if (a->is_reading_guard || a->is_engaging || !store_is_up(a->store))
		return;
	store_tx *tx = store_begin_read(a->store);
	store_query(tx, IPAM_SQL_GUARD_READ, on_guard, a);
	a->is_reading_guard = agents_commit(a, tx, on_guard_done, "guard");
}

void truth_guard_lost_database(agents *a)
{
	/* When it comes back it may be another one. */
	a->is_settled = false;
}

void truth_guard_free(agents *a)
{
	if (writing.agents == a)
		writing.agents = NULL;
}
