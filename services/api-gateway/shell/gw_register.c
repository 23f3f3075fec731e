/* POST /v1/apps/{name}/versions, and of middleware packages: an upload that is complete becomes a
 * version. Size, digest and signature are checked over the stored bytes, on the work queue; only
 * then the blob gets its name, its row, and the scheduler is asked. A refusal before that stores
 * nothing; the upload stays, so that a mistake in the request costs no second transfer. */
#include "gateway.h"

#include "gw_package.h"
#include "gw_s3.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "gw_uploads.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 256 * 1024 };

typedef struct registration {
	gw_call *call; /* NULL when the request is over before the work is */
	bool working;
	json_t *body;
	gw_upload_info upload;
	char folder[512], final[640];
	gw_s3 s3;
	uint8_t expected[GW_SHA256_N];
	gw_minisign signature; /* borrows from the body */
	bool is_signed;
	gw_package known;
	/* What the work finds. */
	gw_blob blob;
	uint8_t blake2b[GW_MINISIGN_HASH_N];
	sot_code code;
	sot_err err;
} registration;

static void release(registration *r)
{
	json_decref(r->body);
	free(r);
}

static void registration_free(void *state)
{
	registration *r = state;
	r->call = NULL;
	if (!r->working)
		release(r);
}

/* ---- what was asked ---- */
static void refuse_field(gw_call *c, const char *pointer, const char *detail)
{
	gw_problem p = {.status = 400,
	    .code = "invalid",
	    .detail = sot_str_c(detail),
	    .pointer = sot_str_c(pointer)};
	call_problem_full(c, &p);
}

static sot_code read_fields(gw_call *c, registration *r)
{
	sot_str signature = gw_json_text(r->body, "signature");
	sot_err err = {0};
	if (!gw_is_version(gw_json_text(r->body, "version"))) {
		refuse_field(
		    c, "/version", "must be 1 to 64 of A-Z a-z 0-9 . _ + - and not begin with '.'");
		return SOT_INVALID;
	}
	if (!gw_is_file_name(gw_json_text(r->body, "fileName"))) {
		refuse_field(c, "/fileName", "must be the package's file name, without a path");
		return SOT_INVALID;
	}
	if (sot_hex_decode(gw_json_text(r->body, "sha256"), r->expected, sizeof(r->expected), NULL) !=
	    SOT_OK) {
		refuse_field(c, "/sha256", "must be the file's SHA-256: 64 hexadecimal digits");
		return SOT_INVALID;
	}
	r->is_signed = signature.n > 0;
	if (r->is_signed && gw_minisign_parse(signature, &r->signature, &err) != SOT_OK) {
		refuse_field(c, "/signature", err.text);
		return SOT_INVALID;
	}
	return SOT_OK;
}

static sot_code find_upload(gw_call *c, registration *r)
{
	char id[GW_UPLOAD_ID + 8];
	sot_err err = {0};
	gw_copy_cut(gw_json_text(r->body, "upload"), id, sizeof(id));
	if (gw_upload_find(c, id, &r->upload, &err) != SOT_OK) {
		call_fail(c, &err);
		return SOT_NOT_FOUND;
	}
	if (r->upload.offset_bytes == r->upload.length_bytes)
		return SOT_OK;
	call_problem(c, 409, "conflict",
	    "only %llu of the %llu bytes have arrived; send the rest first",
	    (unsigned long long)r->upload.offset_bytes, (unsigned long long)r->upload.length_bytes);
	return SOT_CONFLICT;
}

/* ---- the bytes, on the work queue ---- */
static sot_code hash_file(registration *r, int fd, sot_err *err)
{
	gnutls_hash_hd_t sha256 = NULL;
	crypto_generichash_state blake2b;
	unsigned char *block = sot_alloc(BLOCK);
	sot_code code = SOT_OK;
	if (gnutls_hash_init(&sha256, GNUTLS_DIG_SHA256) != 0)
		abort(); /* GnuTLS without SHA-256: nothing here could be trusted */
	(void)crypto_generichash_init(&blake2b, NULL, 0, sizeof(r->blake2b));
	for (;;) {
		ssize_t n = read(fd, block, BLOCK);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			code = sot_fail_errno(err, SOT_INTERNAL, errno, "reading %s", r->upload.path);
		if (n <= 0)
			break;
		(void)gnutls_hash(sha256, block, (size_t)n);
		if (r->is_signed)
			(void)crypto_generichash_update(&blake2b, block, (unsigned long long)n);
		r->blob.size_bytes += (uint64_t)n;
	}
	gnutls_hash_deinit(sha256, r->blob.sha256);
	(void)crypto_generichash_final(&blake2b, r->blake2b, sizeof(r->blake2b));
	free(block);
	return code;
}

static sot_code check_digest(registration *r, sot_err *err)
{
	char found[65], expected[65];
	if (memcmp(r->expected, r->blob.sha256, sizeof(r->expected)) == 0)
		return SOT_OK;
	sot_hex_encode(r->expected, sizeof(r->expected), expected);
	sot_hex_encode(r->blob.sha256, sizeof(r->blob.sha256), found);
	return sot_fail(err, SOT_INVALID,
	    "sha256 is to be %s, but the %llu bytes that arrived have %s; send the file again",
	    expected, (unsigned long long)r->blob.size_bytes, found);
}

static sot_code check_signature(registration *r, sot_err *err)
{
	if (!r->is_signed)
		return SOT_OK;
	for (size_t i = 0; i < r->known.key_count; i++)
		if (strcmp(r->known.keys[i].id, r->signature.key_id) == 0)
			return gw_minisign_verify(&r->signature, &r->known.keys[i], r->blake2b, err);
	return sot_fail(err, SOT_DENIED,
	    "the signature is of key %s, which nobody has registered for this app; see GET "
	    "/v1/signing-keys",
	    r->signature.key_id);
}

/* The upload's file gets its second name; the first goes when the upload does. */
static sot_code keep_blob(registration *r, int fd, sot_err *err)
{
	char digest[65];
	int folder;
	sot_hex_encode(r->blob.sha256, sizeof(r->blob.sha256), digest);
	(void)snprintf(r->final, sizeof(r->final), "%s/%s", r->folder, digest);
	/* A fresh time keeps the sweep away from it until its row and version are there. */
	if (futimens(fd, NULL) != 0 || fsync(fd) != 0)
		return sot_fail_errno(err, SOT_INTERNAL, errno, "fsync of %s", r->upload.path);
	SOT_FAILPOINT("gateway.register.before_link", err);
	if (link(r->upload.path, r->final) != 0 &&
	    (errno != EEXIST || utimensat(AT_FDCWD, r->final, NULL, 0) != 0))
		return sot_fail_errno(err, SOT_INTERNAL, errno, "storing %s", r->final);
	folder = open(r->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0 || fsync(folder) != 0)
		(void)sot_fail_errno(err, SOT_INTERNAL, errno, "fsync of %s", r->folder);
	if (folder >= 0)
		(void)close(folder);
	if (err->code == SOT_OK && gw_s3_is_on(&r->s3))
		return gw_s3_put(&r->s3, digest, r->final, err);
	return err->code;
}

static void check_and_keep(void *arg)
{
	registration *r = arg;
	int fd = open(r->upload.path, O_RDWR | O_CLOEXEC);
	r->code = SOT_OK;
	if (fd < 0) {
		r->code = sot_fail_errno(&r->err, SOT_INTERNAL, errno, "%s", r->upload.path);
		return;
	}
	r->code = hash_file(r, fd, &r->err);
	if (r->code == SOT_OK)
		r->code = check_digest(r, &r->err);
	if (r->code == SOT_OK)
		r->code = check_signature(r, &r->err);
	if (r->code == SOT_OK)
		r->code = keep_blob(r, fd, &r->err);
	(void)close(fd);
}

/* ---- in the loop ---- */
static void on_blob_row(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	registration *r = c->state;
	gw_blob blob = r->blob;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	SOT_FAILPOINT_HIT("gateway.register.before_scheduler");
	blob.file_name = gw_json_text(r->body, "fileName");
	blob.signed_by = sot_str_c(r->is_signed ? r->signature.key_id : "");
	command_run(c, &blob);
}

static void on_kept(void *arg)
{
	registration *r = arg;
	gw_call *c = r->call;
	store_tx *tx;
	sot_err err = {0};
	r->working = false;
	if (c == NULL) {
		release(r);
		return;
	}
	if (r->code == SOT_DENIED) {
		call_problem(c, 403, "bad_signature", "%s", r->err.text);
		return;
	}
	if (r->code != SOT_OK) {
		call_fail(c, &r->err);
		return;
	}
	tx = store_begin(c->g->db);
	store_query(tx, GW_SQL_BLOB_ADD, NULL, NULL);
	store_arg_bytes(tx, (sot_str){(const char *)r->blob.sha256, sizeof(r->blob.sha256)});
	store_arg_i64(tx, (int64_t)r->blob.size_bytes);
	store_arg_c(tx, c->caller.actor);
	if (store_commit(&tx, on_blob_row, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void on_checked(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	registration *r = c->state;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (!gw_package_may(c, &r->known, r->expected, r->is_signed))
		return;
	r->working = true;
	reactor_queue_work(c->g->loop, check_and_keep, on_kept, r);
}

void serve_version_register(gw_call *c)
{
	registration *r;
	json_t *body;
	store_tx *tx;
	sot_err err = {0};
	if (call_body(c, &body) != SOT_OK)
		return;
	r = c->state = sot_alloc(sizeof(*r));
	c->state_free = registration_free;
	r->call = c;
	r->body = body;
	(void)snprintf(r->folder, sizeof(r->folder), "%s", c->g->config->blobs_dir);
	r->s3 = gw_s3_of(c->g->config);
	if (read_fields(c, r) != SOT_OK || find_upload(c, r) != SOT_OK)
		return;
	tx = store_begin_read(c->g->db);
	gw_package_ask(tx, &r->known, c->match.route->id == GW_ROUTE_middleware_register,
	    c->match.params[0], gw_json_text(body, "version"));
	if (store_commit(&tx, on_checked, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_middleware_register(gw_call *c)
{
	serve_version_register(c);
}
