/* POST /v1/imports: the file is spooled to disk, staged in the database in parts, checked and
 * applied by ipam, and answered with the report: 200, or 422 with the wrong lines. */
#include "gateway.h"

#include "gw_spool.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_BYTES ((size_t)256 * 1024) /* what ipam.import_part takes */

typedef struct import {
	gw_call *call;
	gw_spool spool;
	gw_blob blob;
	char file_name[201];
	uint64_t staged_bytes;
	int64_t parts;
	/* Of the report. */
	int64_t error_count, lines;
	sot_buf problems;
} import;

static void import_free(void *state)
{
	import *i = state;
	gw_spool_clear(&i->spool);
	sot_buf_clear(&i->problems);
	free(i);
}

static sot_code read_flag(gw_call *c, bool *ret)
{
	char text[16];
	*ret = false;
	if (call_query(c, "dryRun", text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] == '\0' || sot_parse_bool(sot_str_c(text), ret, NULL) == SOT_OK)
		return SOT_OK;
	call_problem(c, 400, "invalid", "query parameter 'dryRun' must be true or false");
	return SOT_INVALID;
}

static sot_code read_kind(gw_call *c, bool *ret_netbox)
{
	char text[16];
	if (call_query(c, "kind", text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	*ret_netbox = strcmp(text, "netbox") == 0;
	if (*ret_netbox || text[0] == '\0' || strcmp(text, "csv") == 0)
		return SOT_OK;
	call_problem(c, 400, "invalid", "query parameter 'kind' must be csv or netbox");
	return SOT_INVALID;
}

static sot_code read_name(gw_call *c, import *i)
{
	if (call_query(c, "file", i->file_name, sizeof(i->file_name)) != SOT_OK)
		return SOT_INVALID;
	if (i->file_name[0] == '\0' || gw_is_file_name(sot_str_c(i->file_name)))
		return SOT_OK;
	call_problem(c, 400, "invalid",
	    "query parameter 'file' must be a file name without a path: ?file=addresses.csv");
	return SOT_INVALID;
}

static void on_piece(void *self, gw_request *q, sot_str piece)
{
	import *i = self;
	sot_err err = {0};
	(void)q;
	if (gw_spool_add(&i->spool, piece, &err) != SOT_OK)
		call_problem(
		    i->call, err.code == SOT_LIMIT ? 507 : 500, sot_code_name(err.code), "%s", err.text);
}

void import_begin(gw_call *c)
{
	import *i = sot_alloc(sizeof(*i));
	sot_err err = {0};
	uint8_t entropy[16];
	i->call = c;
	gw_spool_init(&i->spool);
	sot_buf_init(&i->problems, 4u * 1024 * 1024);
	c->state = i;
	c->state_free = import_free;
	sot_rand_bytes(entropy, sizeof(entropy));
	i->blob.import_id = sot_uuid_v7(sot_wall_now(), entropy);
	if (read_kind(c, &i->blob.is_netbox) != SOT_OK || read_flag(c, &i->blob.is_dry_run) != SOT_OK ||
	    read_name(c, i) != SOT_OK)
		return;
	if (gw_spool_open(&i->spool, c->g->config->blobs_dir, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	gw_request_stream_body(c->http, (uint64_t)c->g->config->import_bytes_max, on_piece, i);
}

/* ---- staging: one part after the other, each in a transaction of its own ---- */
static sot_code read_part(import *i, char *dst, size_t *ret_n, sot_err *err)
{
	size_t n = 0;
	while (n < PART_BYTES) {
		ssize_t got = pread(i->spool.fd, dst + n, PART_BYTES - n, (off_t)(i->staged_bytes + n));
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return sot_fail_errno(err, SOT_INTERNAL, errno, "reading %s", i->spool.path);
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*ret_n = n;
	return SOT_OK;
}

static void stage_next(gw_call *c);

static void on_staged(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else
		stage_next(c);
}

static void stage_part(gw_call *c, import *i, sot_str part)
{
	store_tx *tx = store_begin(c->g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_IMPORT_STAGE, NULL, NULL);
	store_arg_uuid(tx, i->blob.import_id);
	store_arg_c(tx, c->caller.actor);
	store_arg_c(tx, i->file_name);
	store_arg_i64(tx, i->parts++);
	store_arg_bytes(tx, part);
	i->staged_bytes += part.n;
	if (store_commit(&tx, on_staged, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void stage_next(gw_call *c)
{
	import *i = c->state;
	char *part;
	size_t n = 0;
	sot_err err = {0};
	if (i->staged_bytes == i->spool.size_bytes) {
		command_run(c, &i->blob);
		return;
	}
	part = sot_alloc(PART_BYTES);
	if (read_part(i, part, &n, &err) != SOT_OK)
		call_fail(c, &err);
	else
		stage_part(c, i, (sot_str){part, n});
	free(part);
}

void serve_import_run(gw_call *c)
{
	import *i = c->state;
	if (i->spool.size_bytes == 0) {
		call_problem(c, 400, "invalid", "the body is empty; send the file's bytes");
		return;
	}
	gw_spool_digest(&i->spool, i->blob.sha256);
	i->blob.size_bytes = i->spool.size_bytes;
	i->blob.file_name = sot_str_c(i->file_name);
	stage_next(c);
}

/* ---- the report ---- */
static void on_report(void *self, const store_result *res)
{
	gw_call *c = self;
	import *i = c->state;
	if (store_rows(res) != 1 || store_i64(res, 0, 1, &i->error_count, NULL) != SOT_OK ||
	    store_i64(res, 0, 2, &i->lines, NULL) != SOT_OK)
		return;
	sot_buf_add_str(&c->rows, store_text(res, 0, 0));
	sot_buf_add_str(&i->problems, store_text(res, 0, 3));
}

static void refuse(gw_call *c, const import *i)
{
	char detail[160];
	gw_problem p = {.status = 422,
	    .code = "invalid",
	    .errors_json = sot_buf_str(&i->problems),
	    .import_json = sot_buf_str(&c->rows)};
	(void)snprintf(detail, sizeof(detail),
	    "%lld of %lld lines are wrong, so nothing was changed; see errors",
	    (long long)i->error_count, (long long)i->lines);
	p.detail = sot_str_c(detail);
	call_problem_full(c, &p);
}

static void on_report_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	import *i = c->state;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
	} else if (c->rows.n == 0 || sot_buf_failed(&i->problems)) {
		call_problem(c, 500, "internal", "the import has no report");
	} else if (i->error_count > 0) {
		refuse(c, i);
	} else {
		sot_buf_add_char(&c->rows, '\n');
		call_json(c, 200, sot_buf_str(&c->rows));
	}
}

void import_report(gw_call *c, sot_uuid import_id)
{
	store_tx *tx = store_begin_read(c->g->db);
	char id[SOT_UUID_TEXT];
	sot_err err = {0};
	store_query(tx, GW_SQL_IMPORT_GET, on_report, c);
	store_arg_c(tx, sot_uuid_format(import_id, id));
	if (store_commit(&tx, on_report_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}
