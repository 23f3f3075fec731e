#include "imports.h"

#include "change.h"
#include "import_netbox.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	DEADLINE_MS = 120000,
	PARTS_AT_ONCE = 32, /* of 256 KiB, twice that as text */
	TRIES_MAX = 10,
	MESSAGE_BYTES = 64 * 1024,
};
#define FACTS_BYTES_MAX ((size_t)1024 * 1024 * 1024)

static void ask_facts(import_job *job);

/* ---- the end ---- */

static import_job *job_free(import_job *job)
{
	job->ip->import = NULL;
	ipam_client_close(job->ip, job->client);
	store_free(job->store);
	import_plan_free(job->plan);
	import_rows_free(job->rows);
	sot_arena_free(job->facts_arena);
	sot_arena_free(job->arena);
	sot_buf_clear(&job->file);
	free(job);
	return NULL;
}

/* Its store cannot be freed inside of one of its callbacks: the job ends with the turn. */
static void end_of_turn(void *self)
{
	import_job *job = self;
	ipam *ip = job->ip;
	job_free(job);
	ipam_pump_soon(ip);
}

static void finish(import_job *job)
{
	reactor_defer(job->ip->loop, end_of_turn, job);
}

static void refuse(import_job *job, sot_refusal code, const char *text)
{
	const sot_refused refused = {
	    .request_id = job->message->request_id, .code = code, .text = sot_str_c(text)};
	ipam_refuse(job->ip, &job->client->from, &refused);
	finish(job);
}

static void refuse_err(import_job *job, const sot_err *err)
{
	sot_log_err(SOT_WARN, "import.failed", err, "tries=%u", job->tries);
	refuse(job,
	    err->code == SOT_INVALID    ? SOT_REFUSAL_INVALID
	    : err->code == SOT_LIMIT    ? SOT_REFUSAL_LIMIT
	    : err->code == SOT_CONFLICT ? SOT_REFUSAL_CONFLICT
	    : err->code == SOT_INTERNAL ? SOT_REFUSAL_INTERNAL
	                                : SOT_REFUSAL_UNAVAILABLE,
	    err->text);
}

static void answer(import_job *job, bool applied, size_t errors)
{
	ipam *ip = job->ip;
	const sot_import_done done = {.request_id = job->message->request_id,
	    .import_id = job->message->import_id,
	    .applied = applied,
	    .errors = (uint32_t)errors};
	sot_buf_reset(&ip->frame);
	if (sot_import_done_encode(&done, &ip->frame, NULL) == SOT_OK)
		ipam_send(ip, &job->client->from);
	finish(job);
}

static void commit(import_job *job, store_tx *tx, store_done_fn done)
{
	sot_err err = {0};
	if (store_commit(&tx, done, job, &err) != SOT_OK)
		refuse_err(job, &err);
}

/* ---- write ---- */

static const char *outcome_of(const import_job *job)
{
	if (job->rows->error_count > 0)
		return "refused";
	return job->message->dry_run ? "checked" : "applied";
}

static void on_written(void *self, const store_outcome *outcome)
{
	import_job *job = self;
	const char *state = outcome_of(job);
	if (outcome->code == SOT_OK) {
		bool applied = strcmp(state, "applied") == 0;
		sot_log(SOT_INFO, "import.done", "state=%s lines=%u errors=%zu took_ms=%lld", state,
		    job->rows->lines, job->rows->error_count,
		    (long long)sot_mono_diff_ms(reactor_now(job->ip->loop), job->began));
		if (applied) {
			ipam_reload(job->ip);
			ipam_hint(job->ip);
		}
		answer(job, applied, job->rows->error_count);
	} else if (change_is_stale(outcome) && job->tries < TRIES_MAX) {
		ask_facts(job);
	} else {
		refuse_err(job, outcome->why);
	}
}

static void write_it(import_job *job)
{
	const char *state = outcome_of(job);
	store_tx *tx = store_begin(job->store);
	if (strcmp(state, "applied") == 0)
		import_write_plan(job, tx);
	import_write_report(job, tx, state);
	commit(job, tx, on_written);
}

/* ---- plan ---- */

static void plan_work(void *arg)
{
	import_job *job = arg;
	job->plan = import_plan_new(job->rows, &job->facts);
}

static void on_planned(void *arg)
{
	import_job *job = arg;
	job->is_in_work = false;
	write_it(job);
}

static void on_key(void *self, const store_result *res)
{
	import_job *job = self;
	job->is_known = store_rows(res) == 1;
	if (job->is_known && store_bool(res, 0, 0, &job->is_same, &job->read_error) != SOT_OK)
		job->is_same = false;
}

static void on_import(void *self, const store_result *res)
{
	import_job *job = self;
	int64_t parts = 0;
	job->is_there = store_rows(res) == 1;
	if (!job->is_there || store_i64(res, 0, 1, &job->known_errors, &job->read_error) != SOT_OK ||
	    store_i64(res, 0, 2, &parts, &job->read_error) != SOT_OK ||
	    store_i64(res, 0, 3, &job->bytes, &job->read_error) != SOT_OK)
		return;
	job->parts = (uint32_t)parts;
	(void)snprintf(job->state, sizeof(job->state), "%.*s", SOT_ARG(store_text(res, 0, 0)));
}

/* The key is asked for again: a lost answer to COMMIT may have been a yes. */
static void ask_key(import_job *job, store_tx *tx)
{
	const sot_request_context *context = &job->message->context;
	job->is_known = job->is_same = job->is_there = false;
	store_query(tx, IPAM_SQL_CHANGE_KEY_FIND, on_key, job);
	store_arg_str(tx, context->actor);
	store_arg_str(tx, context->idempotency_key);
	store_arg_bytes(tx, context->request_sha256);
	store_query(tx, IPAM_SQL_IMPORT_FIND, on_import, job);
	store_arg_uuid(tx, job->message->import_id);
}

/* True when the key says it all. */
static bool is_answered(import_job *job, const store_outcome *outcome)
{
	if (outcome->code != SOT_OK) {
		refuse_err(job, outcome->why);
	} else if (job->read_error.code != SOT_OK) {
		refuse_err(job, &job->read_error);
	} else if (job->is_known && !job->is_same) {
		refuse(job, SOT_REFUSAL_KEY_REUSED,
		    "this idempotency key was used before for another request");
	} else if (job->is_known) {
		answer(job, strcmp(job->state, "applied") == 0, (size_t)job->known_errors);
	} else {
		return false;
	}
	return true;
}

static void on_facts(void *self, const store_outcome *outcome)
{
	import_job *job = self;
	if (is_answered(job, outcome))
		return;
	job->is_in_work = true;
	reactor_queue_work(job->ip->loop, plan_work, on_planned, job);
}

static void ask_facts(import_job *job)
{
	job->tries++;
	job->plan = import_plan_free(job->plan);
	sot_arena_reset(job->facts_arena);
	job->facts = (import_facts){0};
	store_tx *tx = store_begin_read(job->store);
	ask_key(job, tx);
	import_facts_ask(job, tx);
	commit(job, tx, on_facts);
}

/* ---- parse ---- */

static void parse_work(void *arg)
{
	import_job *job = arg;
	if (job->message->kind == SOT_IMPORT_KIND_CSV)
		import_rows_read_csv(job->rows, sot_buf_str(&job->file));
	else
		import_rows_read_netbox(job->rows, sot_buf_str(&job->file));
	sot_buf_clear(&job->file);
}

static void on_parsed(void *arg)
{
	import_job *job = arg;
	job->is_in_work = false;
	ask_facts(job);
}

/* ---- read the file ---- */

static void on_parts(void *self, const store_result *res)
{
	import_job *job = self;
	for (size_t i = 0; i < store_rows(res); i++) {
		sot_str hex = store_text(res, i, 0);
		size_t n = hex.n >= 2 ? (hex.n - 2) / 2 : 0;
		char *bytes = malloc(n + 1);
		if (!bytes || !sot_str_starts(hex, "\\x") ||
		    sot_hex_decode((sot_str){hex.p + 2, hex.n - 2}, bytes, n, &job->read_error) != SOT_OK)
			(void)sot_fail(&job->read_error, SOT_INTERNAL, "a part of the file was not understood");
		else
			sot_buf_add(&job->file, bytes, n);
		free(bytes);
	}
}

static void read_parts(import_job *job);

static void on_read(void *self, const store_outcome *outcome)
{
	import_job *job = self;
	if (outcome->code != SOT_OK) {
		refuse_err(job, outcome->why);
	} else if (job->read_error.code != SOT_OK) {
		refuse_err(job, &job->read_error);
	} else if (job->parts_read < job->parts) {
		read_parts(job);
	} else if (job->file.n != (size_t)job->bytes) {
		refuse(job, SOT_REFUSAL_CONFLICT, "the staged file is not complete; upload it again");
	} else {
		job->is_in_work = true;
		reactor_queue_work(job->ip->loop, parse_work, on_parsed, job);
	}
}

static void read_parts(import_job *job)
{
	store_tx *tx = store_begin_read(job->store);
	store_query(tx, IPAM_SQL_IMPORT_PARTS, on_parts, job);
	store_arg_uuid(tx, job->message->import_id);
	store_arg_i64(tx, job->parts_read);
	store_arg_i64(tx, PARTS_AT_ONCE);
	job->parts_read += PARTS_AT_ONCE;
	commit(job, tx, on_read);
}

static void on_found(void *self, const store_outcome *outcome)
{
	import_job *job = self;
	char text[160];
	if (is_answered(job, outcome))
		return;
	if (!job->is_there) {
		refuse(job, SOT_REFUSAL_NOT_FOUND, "there is no staged file of this import");
	} else if (job->parts == 0) {
		(void)snprintf(text, sizeof(text),
		    "the import is %s, and its file is gone; upload the file again", job->state);
		refuse(job, SOT_REFUSAL_CONFLICT, text);
	} else if (job->bytes > IMPORT_FILE_MAX) {
		(void)snprintf(text, sizeof(text), "the file has %lld bytes, at most %d; split it",
		    (long long)job->bytes, IMPORT_FILE_MAX);
		refuse(job, SOT_REFUSAL_LIMIT, text);
	} else {
		read_parts(job);
	}
}

/* ---- begin ---- */

static void on_database(void *self, bool up, const sot_err *why)
{
	(void)self;
	if (!up)
		sot_log_err(SOT_WARN, "import.database_down", why, "retry=1");
}

/* A connection of its own, for the time of the import. */
static sot_code open_store(import_job *job, sot_err *err)
{
	const store_options options = {.conninfo = job->ip->config->database,
	    .service = "ipam-import",
	    .statements = ipam_statements,
	    .statement_count = IPAM_STATEMENT_COUNT,
	    .connections = 1,
	    .deadline_ms = DEADLINE_MS};
	return store_new(job->ip->loop, &options, on_database, job, &job->store, err);
}

static sot_code copy_message(import_job *job, const sot_import_run *m, sot_err *err)
{
	sot_buf *frame = &job->ip->frame;
	sot_import_run *copy = sot_arena_alloc(job->arena, sizeof(*copy));
	if (!copy)
		return sot_fail(err, SOT_LIMIT, "the request is too large");
	sot_buf_reset(frame);
	sot_code code = sot_import_run_encode(m, frame, err);
	if (code == SOT_OK)
		code = sot_import_run_decode(sot_buf_str(frame), job->arena, copy, err);
	job->message = copy;
	return code;
}

static void begin(ipam *ip, ipam_client *client, const sot_import_run *m)
{
	sot_err err = {0};
	import_job *job = sot_alloc(sizeof(*job));
	ip->import = job;
	job->ip = ip;
	job->client = client;
	job->began = reactor_now(ip->loop);
	job->arena = sot_arena_new(MESSAGE_BYTES);
	job->facts_arena = sot_arena_new(FACTS_BYTES_MAX);
	job->rows = import_rows_new();
	sot_buf_init(&job->file, IMPORT_FILE_MAX);
	job->message = m;
	sot_code code = copy_message(job, m, &err);
	if (code == SOT_OK)
		code = open_store(job, &err);
	if (code != SOT_OK) {
		refuse_err(job, &err);
		return;
	}
	store_tx *tx = store_begin_read(job->store);
	ask_key(job, tx);
	commit(job, tx, on_found);
}

void ipam_on_import_run(void *self, const void *from, const sot_import_run *m)
{
	ipam *ip = self;
	const char *why = ipam_why_not_now(ip);
	/* In quarantine the rows are older than the world: nothing is taken by them. */
	if (!why && !m->dry_run && ip->blocked[0] != '\0')
		why = ip->blocked;
	ipam_client *client = why ? NULL : ipam_client_open(ip, from, m->request_id);
	if (!why && !client)
		return; /* the repeat of what is being worked on */
	if (!why && ip->import) {
		why = "another import is being run; try again in a moment";
		ipam_client_close(ip, client);
	}
	if (!why) {
		begin(ip, client, m);
		return;
	}
	const sot_refused refused = {
	    .request_id = m->request_id, .code = SOT_REFUSAL_UNAVAILABLE, .text = sot_str_c(why)};
	ipam_refuse(ip, from, &refused);
}

void ipam_import_free(ipam *ip)
{
	import_job *job = ip->import;
	if (!job)
		return;
	reactor_undefer(ip->loop, job);
	/* What a thread works on cannot be freed here; the process ends. */
	if (!job->is_in_work)
		job_free(job);
}
