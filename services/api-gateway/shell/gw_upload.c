/* PUT /v1/apps/{name}/versions/{version}: bytes to a temporary file while they are hashed, then
 * fsync, rename to the digest's name, fsync of the folder, the row, the registration. Memory stays
 * flat; a crash at any point leaves either nothing that counts or a blob without a row, which the
 * next upload of the same bytes finds and uses. */
#include "gateway.h"

#include "gw_package.h"
#include "gw_s3.h"
#include "gw_spool.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct upload {
	gw_call *call; /* NULL when the request is over before the work is */
	bool working;
	gw_spool spool;
	char final[640], folder[512];
	gw_s3 s3;
	gw_blob blob;
	char file_name[201], expected[65];
	gw_package known;
	sot_code code;
	sot_err err;
} upload;

static void upload_release(upload *u)
{
	gw_spool_clear(&u->spool);
	free(u);
}

static void upload_free(void *state)
{
	upload *u = state;
	u->call = NULL;
	if (!u->working)
		upload_release(u);
}

static void on_piece(void *self, gw_request *q, sot_str piece)
{
	upload *u = self;
	sot_err err = {0};
	(void)q;
	if (gw_spool_add(&u->spool, piece, &err) != SOT_OK) {
		call_problem(
		    u->call, err.code == SOT_LIMIT ? 507 : 500, sot_code_name(err.code), "%s", err.text);
		return;
	}
	sot_metric_add(u->call->g->upload_bytes, piece.n);
}

static sot_code read_parameters(gw_call *c, upload *u)
{
	sot_str digest = gw_request_header(c->http, "X-Content-SHA256");
	uint8_t raw[GW_SHA256_N];
	if (!gw_is_version(sot_str_c(c->match.params[1]))) {
		call_problem(c, 400, "invalid",
		    "the version in the path must be 1 to 64 of A-Z a-z 0-9 . _ + - and not begin with "
		    "'.'");
		return SOT_INVALID;
	}
	if (call_query(c, "file", u->file_name, sizeof(u->file_name)) != SOT_OK)
		return SOT_INVALID;
	if (!gw_is_file_name(sot_str_c(u->file_name))) {
		call_problem(c, 400, "invalid",
		    "query parameter 'file' must be the package's file name, without a path: "
		    "?file=shop.war");
		return SOT_INVALID;
	}
	u->blob.file_name = sot_str_c(u->file_name);
	if (digest.n == 0)
		return SOT_OK;
	if (sot_hex_decode(digest, raw, sizeof(raw), NULL) != SOT_OK) {
		call_problem(c, 400, "invalid", "X-Content-SHA256 must be 64 hexadecimal digits");
		return SOT_INVALID;
	}
	sot_hex_encode(raw, sizeof(raw), u->expected);
	return SOT_OK;
}

void upload_begin(gw_call *c)
{
	upload *u = sot_alloc(sizeof(*u));
	sot_err err = {0};
	gw_spool_init(&u->spool);
	u->call = c;
	(void)snprintf(u->folder, sizeof(u->folder), "%s", c->g->config->blobs_dir);
	u->s3 = gw_s3_of(c->g->config);
	c->state = u;
	c->state_free = upload_free;
	if (read_parameters(c, u) != SOT_OK)
		return;
	if (gw_spool_open(&u->spool, u->folder, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	gw_request_stream_body(c->http, (uint64_t)c->g->config->package_bytes_max, on_piece, u);
}

static void on_blob_stored(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	upload *u = c->state;
	gw_blob blob;
	char file_name[201];
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	SOT_FAILPOINT_HIT("gateway.upload.before_register");
	blob = u->blob; /* the change that follows has a state of its own */
	gw_copy_cut(u->blob.file_name, file_name, sizeof(file_name));
	blob.file_name = sot_str_c(file_name);
	command_run(c, &blob);
}

static void store_row(gw_call *c, const upload *u)
{
	store_tx *tx = store_begin(c->g->db);
	sot_err err = {0};
	store_query(tx, GW_SQL_BLOB_ADD, NULL, NULL);
	store_arg_bytes(tx, (sot_str){(const char *)u->blob.sha256, sizeof(u->blob.sha256)});
	store_arg_i64(tx, (int64_t)u->blob.size_bytes);
	store_arg_c(tx, c->caller.actor);
	if (store_commit(&tx, on_blob_stored, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* On the work queue: fsync of a large file takes as long as the disk wants. */
static void make_durable(void *arg)
{
	upload *u = arg;
	int folder;
	u->code = SOT_OK;
	if (fsync(u->spool.fd) != 0 || rename(u->spool.path, u->final) != 0) {
		u->code = sot_fail_errno(&u->err, SOT_INTERNAL, errno, "storing %s", u->final);
		return;
	}
	u->spool.path[0] = '\0';
	folder = open(u->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) != 0)
		u->code = sot_fail_errno(&u->err, SOT_INTERNAL, errno, "fsync of %s", u->folder);
	if (folder >= 0)
		(void)close(folder);
	if (u->code == SOT_OK && gw_s3_is_on(&u->s3))
		u->code = gw_s3_put(&u->s3, u->final + strlen(u->folder) + 1, u->final, &u->err);
}

static void on_durable(void *arg)
{
	upload *u = arg;
	u->working = false;
	if (u->call == NULL) {
		upload_release(u);
		return;
	}
	SOT_FAILPOINT_HIT("gateway.upload.after_rename");
	if (u->code != SOT_OK)
		call_fail(u->call, &u->err);
	else
		store_row(u->call, u);
}

static void on_known(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	upload *u = c->state;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (!gw_package_may(c, &u->known, u->blob.sha256, false))
		return;
	SOT_FAILPOINT_HIT("gateway.upload.before_fsync");
	u->working = true;
	reactor_queue_work(c->g->loop, make_durable, on_durable, u);
}

static void ask_what_is_known(gw_call *c, upload *u)
{
	store_tx *tx = store_begin_read(c->g->db);
	sot_err err = {0};
	gw_package_ask(tx, &u->known, false, c->match.params[0], sot_str_c(c->match.params[1]));
	if (store_commit(&tx, on_known, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_version_upload(gw_call *c)
{
	upload *u = c->state;
	char digest[65];
	gw_spool_digest(&u->spool, u->blob.sha256);
	u->blob.size_bytes = u->spool.size_bytes;
	sot_hex_encode(u->blob.sha256, sizeof(u->blob.sha256), digest);
	if (u->blob.size_bytes == 0) {
		call_problem(c, 400, "invalid", "the body is empty; send the package's bytes");
		return;
	}
	if (u->expected[0] != '\0' && strcmp(u->expected, digest) != 0) {
		call_problem(c, 400, "invalid",
		    "X-Content-SHA256 is %s, but the %llu bytes that arrived have %s; send them again",
		    u->expected, (unsigned long long)u->blob.size_bytes, digest);
		return;
	}
	(void)snprintf(u->final, sizeof(u->final), "%s/%s", u->folder, digest);
	ask_what_is_known(c, u);
}
