/* Uploads as clients make them: cut and gone on with, wrong in every way, signed. */
#include "harness.h"

#include "s3_bucket.h"

#include "sot_file.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <fcntl.h>
#include <gnutls/crypto.h>
#include <jansson.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { BYTES = 3 * 1024 * 1024 + 17, CUTS = 30 };

static harness h;
static char package[BYTES], package_sha256[65];

static void digest_of(const char *bytes, size_t n, char ret[65])
{
	uint8_t digest[32];
	assert_int_equal(gnutls_hash_fast(GNUTLS_DIG_SHA256, bytes, n, digest), 0);
	sot_hex_encode(digest, sizeof(digest), ret);
}

static const answer *call(
    const char *method, const char *path, const char *const *headers, sot_str body)
{
	return harness_call(&h, method, path, headers, body);
}

/* Begins an upload; its path comes in ret. */
static void begin(size_t n, char ret[80])
{
	char length[64];
	const char *headers[] = {length, NULL};
	json_t *json;
	(void)snprintf(length, sizeof(length), "Upload-Length: %zu", n);
	const answer *a = call("POST", "/v1/uploads", headers, (sot_str){0});
	assert_int_equal(a->status, 201);
	json = json_loadb(a->body.p, a->body.n, 0, NULL);
	(void)snprintf(ret, 80, "/v1/uploads/%s", json_string_value(json_object_get(json, "id")));
	json_decref(json);
}

static size_t offset_of(const char *path)
{
	const answer *a = call("GET", path, NULL, (sot_str){0});
	json_t *json;
	size_t offset;
	assert_int_equal(a->status, 200);
	json = json_loadb(a->body.p, a->body.n, 0, NULL);
	offset = (size_t)json_integer_value(json_object_get(json, "offsetBytes"));
	json_decref(json);
	return offset;
}

static int append(const char *path, size_t offset, sot_str bytes)
{
	char at[64];
	const char *headers[] = {at, "Content-Type: application/offset+octet-stream", NULL};
	(void)snprintf(at, sizeof(at), "Upload-Offset: %zu", offset);
	return call("PATCH", path, headers, bytes)->status;
}

/* A PATCH of all that is missing, of which only `n` bytes are sent before the cable is pulled. */
static void append_and_cut(const char *path, size_t offset, size_t n)
{
	char head[640];
	int fd = harness_connect(&h);
	int head_n = snprintf(head, sizeof(head),
	    "PATCH %s HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nUpload-Offset: %zu\r\n"
	    "Content-Type: application/offset+octet-stream\r\nContent-Length: %zu\r\n\r\n",
	    path, h.token, offset, (size_t)BYTES - offset);
	struct linger reset = {.l_onoff = 1};
	assert_int_equal(write(fd, head, (size_t)head_n), head_n);
	for (size_t sent = 0; sent < n;) {
		ssize_t got = send(fd, package + offset + sent, n - sent, MSG_NOSIGNAL);
		if (got <= 0)
			break;
		sent += (size_t)got;
	}
	if (n % 2 == 1) /* a reset, with bytes on their way; else an orderly end */
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	(void)close(fd);
}

static const answer *register_as(
    const char *version, const char *path, const char *sha256, const char *signature)
{
	static char text[8192];
	json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "version", version, "upload",
	    path + strlen("/v1/uploads/"), "fileName", "shop.war", "sha256", sha256, "commit",
	    "1f3a9c2", "source", "https://ci.example/job/7");
	if (signature != NULL)
		(void)json_object_set_new(body, "signature", json_string(signature));
	size_t n = json_dumpb(body, text, sizeof(text), JSON_COMPACT);
	json_decref(body);
	assert_true(n > 0 && n < sizeof(text));
	return call("POST", "/v1/apps/shop/versions", NULL, (sot_str){text, n});
}

static void an_upload_that_is_cut_at_30_places_arrives_whole(void **state)
{
	struct sot_package_register m;
	sot_arena *arena = sot_arena_new(1u << 20);
	char path[80], blob[96];
	const answer *a;
	(void)state;
	begin(BYTES, path);
	for (size_t cut = 0; cut < CUTS; cut++)
		append_and_cut(path, offset_of(path), (cut * 7919u) % (BYTES / CUTS));
	/* The gateway may still read what the last cut connection has sent: then this one has to ask
	 * again where it stands. */
	for (int status = 409; status != 204;) {
		size_t offset = offset_of(path);
		status = append(path, offset, (sot_str){package + offset, BYTES - offset});
		assert_true(status == 204 || status == 409);
	}
	assert_int_equal(offset_of(path), BYTES);
	a = register_as("v1", path, package_sha256, NULL);
	assert_int_equal(a->status, 202);
	assert_int_equal(
	    sot_package_register_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_int_equal(m.size_bytes, BYTES);
	assert_true(sot_str_eq_c(m.commit, "1f3a9c2") && sot_str_eq_c(m.version, "v1"));
	assert_true(sot_str_eq_c(m.source, "https://ci.example/job/7") && m.signed_by.n == 0);
	(void)snprintf(blob, sizeof(blob), "/v1/blobs/%s", package_sha256);
	a = call("GET", blob, NULL, (sot_str){0});
	assert_int_equal(a->status, 200);
	assert_int_equal(a->body.n, BYTES);
	assert_memory_equal(a->body.p, package, BYTES);
	/* The answer may have been lost: the same again is the same. */
	assert_int_equal(register_as("v1", path, package_sha256, NULL)->status, 202);
	assert_int_equal(call("DELETE", path, NULL, (sot_str){0})->status, 204);
	assert_int_equal(call("GET", path, NULL, (sot_str){0})->status, 404);
	assert_int_equal(call("GET", blob, NULL, (sot_str){0})->status, 200);
	(void)sot_arena_free(arena);
}

/* Each buffer of a transfer used to cost a millisecond of the loop's timer: some 5 MB/s. */
static void a_transfer_is_not_paced_by_the_loops_timer(void **state)
{
	char path[80], blob[96];
	(void)state;
	begin(BYTES, path);
	assert_int_equal(append(path, 0, (sot_str){package, BYTES}), 204);
	assert_int_equal(register_as("v1", path, package_sha256, NULL)->status, 202);
	(void)snprintf(blob, sizeof(blob), "/v1/blobs/%s", package_sha256);
	assert_int_equal(call("GET", blob, NULL, (sot_str){0})->body.n, BYTES);
	assert_true(answer_has(
	    call("GET", "/metrics", NULL, (sot_str){0}), "sot_gateway_http_rests_total 0\n"));
	assert_int_equal(call("DELETE", path, NULL, (sot_str){0})->status, 204);
}

static size_t files_in(const char *folder)
{
	char command[160], text[16] = "";
	const char *argv[] = {"/bin/sh", "-c", command, NULL};
	char out[8192], errors[8192];
	uint64_t n = 0;
	(void)snprintf(
	    command, sizeof(command), "find %s/%s -maxdepth 1 -type f | wc -l", h.dir, folder);
	assert_int_equal(harness_run(&h, argv, out, errors), 0);
	(void)snprintf(text, sizeof(text), "%.*s", (int)strcspn(out, "\n"), out);
	assert_int_equal(sot_parse_u64(sot_str_c(text), 0, 1000000, &n, NULL), SOT_OK);
	return (size_t)n;
}

static void what_is_wrong_is_said_and_stores_nothing(void **state)
{
	const char *none[] = {"Upload-Length: 0", NULL},
	           *huge[] = {"Upload-Length: 99999999999999", NULL};
	const char *no_type[] = {"Upload-Offset: 0", NULL};
	char path[80], zeros[65], sql[600], out[4096];
	size_t blobs = files_in("blobs");
	unsigned before = h.asked;
	const answer *a;
	(void)state;
	memset(zeros, '0', 64);
	zeros[64] = '\0';
	a = call("POST", "/v1/uploads", none, (sot_str){0});
	assert_int_equal(a->status, 400);
	assert_true(answer_has(a, "the file is empty"));
	assert_int_equal(call("POST", "/v1/uploads", huge, (sot_str){0})->status, 413);
	assert_int_equal(call("POST", "/v1/uploads", NULL, (sot_str){0})->status, 400);
	begin(7, path);
	assert_int_equal(call("PATCH", path, no_type, SOT_STR("package"))->status, 415);
	assert_int_equal(append(path, 3, SOT_STR("kage")), 409);
	assert_int_equal(append(path, 0, SOT_STR("package!")), 413);
	a = register_as("v2", path, package_sha256, NULL);
	assert_int_equal(a->status, 409);
	assert_true(answer_has(a, "of the 7 bytes have arrived"));
	assert_int_equal(call("DELETE", path, NULL, (sot_str){0})->status, 204);
	begin(7, path);
	assert_int_equal(append(path, 0, SOT_STR("package")), 204);
	a = register_as("v2", path, zeros, NULL);
	assert_int_equal(a->status, 400);
	assert_true(answer_has(a, "send the file again"));
	assert_int_equal(register_as("v 2", path, zeros, NULL)->status, 400);
	assert_int_equal(register_as("v2", path, "abc", NULL)->status, 400);
	assert_int_equal(register_as("v2", path, zeros, "no signature")->status, 400);
	/* A version that is there with other content. */
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, "
	    "created_by, created_at) SELECT id, 'v7', decode('%s', 'hex'), 7, 'a.war', 'user:ada', "
	    "now() "
	    "FROM scheduler.app",
	    zeros);
	harness_sql(&h, "sot_scheduler", sql, out);
	char digest[65];
	digest_of("package", 7, digest);
	a = register_as("v7", path, digest, NULL);
	assert_int_equal(a->status, 409);
	assert_true(answer_has(a, "versions never change"));
	a = call("PUT", "/v1/apps/shop/versions/v7?file=a.war", NULL, SOT_STR("package"));
	assert_int_equal(a->status, 409);
	assert_int_equal(h.asked, before);
	assert_int_equal(files_in("blobs"), blobs);
	assert_int_equal(files_in("blobs/tmp"), 0);
	assert_int_equal(call("DELETE", path, NULL, (sot_str){0})->status, 204);
}

static void an_upload_is_its_owners_alone(void **state)
{
	char path[80], token[128], other[128];
	(void)state;
	begin(7, path);
	memcpy(token, h.token, sizeof(token));
	harness_account(&h, "bob", "developer", other);
	memcpy(h.token, other, sizeof(other));
	assert_int_equal(call("GET", path, NULL, (sot_str){0})->status, 404);
	assert_int_equal(append(path, 0, SOT_STR("package")), 404);
	assert_int_equal(call("DELETE", path, NULL, (sot_str){0})->status, 404);
	memcpy(h.token, token, sizeof(token));
	assert_int_equal(call("DELETE", path, NULL, (sot_str){0})->status, 204);
}

/* The gateway is killed in the middle: the next one goes on with what has come. */
static void an_upload_outlives_its_gateway_and_an_old_one_does_not(void **state)
{
	const struct timespec old[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	char path[80], file[200];
	(void)state;
	begin(BYTES, path);
	append_and_cut(path, 0, 4096);
	assert_int_equal(kill(h.gateway_pid, SIGKILL), 0);
	assert_int_equal(harness_wait_exit(&h), 256 + SIGKILL);
	harness_spawn_gateway(&h, NULL);
	size_t offset = offset_of(path);
	assert_int_equal(append(path, offset, (sot_str){package + offset, BYTES - offset}), 204);
	(void)snprintf(file, sizeof(file), "%s/blobs/uploads/%s", h.dir, path + strlen("/v1/uploads/"));
	assert_int_equal(utimensat(AT_FDCWD, file, old, 0), 0);
	assert_int_equal(call("GET", path, NULL, (sot_str){0})->status, 404); /* before any sweep */
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	assert_int_equal(harness_wait_exit(&h), 0);
	char note[220];
	(void)snprintf(note, sizeof(note), "%s.info", file);
	assert_int_equal(utimensat(AT_FDCWD, note, old, 0), 0);
	harness_spawn_gateway(&h, NULL);
	sot_mono deadline = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	while (access(file, F_OK) == 0 || access(note, F_OK) == 0) {
		assert_int_equal(call("GET", "/healthz", NULL, (sot_str){0})->status, 200);
		assert_false(sot_mono_reached(sot_mono_now(), deadline));
	}
}

/* ---- signatures, made by Debian's minisign ---- */
static void minisign(const char *command)
{
	char out[8192], errors[8192];
	const char *argv[] = {"/bin/sh", "-c", command, NULL};
	int status = harness_run(&h, argv, out, errors);
	if (status != 0)
		print_message("%s\n%s%s\n", command, out, errors);
	assert_int_equal(status, 0);
}

static void read_text(const char *name, char ret[4096])
{
	char path[160];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4095);
	(void)snprintf(path, sizeof(path), "%s/%s", h.dir, name);
	assert_int_equal(sot_file_read(path, &text, NULL), SOT_OK);
	(void)snprintf(ret, 4096, "%.*s", (int)text.n, text.p);
}

static void add_key(const char *name, const char *app)
{
	char key[4096], text[8192];
	read_text(name, key);
	json_t *body = json_pack("{s:s, s:s}", "publicKey", key, "app", app);
	size_t n = json_dumpb(body, text, sizeof(text), 0);
	json_decref(body);
	assert_int_equal(call("POST", "/v1/signing-keys", NULL, (sot_str){text, n})->status, 201);
	assert_int_equal(call("POST", "/v1/signing-keys", NULL, (sot_str){text, n})->status, 409);
}

static void make_signatures(void)
{
	char command[1200], path[160];
	(void)snprintf(path, sizeof(path), "%s/shop.war", h.dir);
	assert_int_equal(sot_file_write(path, (sot_str){package, BYTES}, 0600, NULL), SOT_OK);
	(void)snprintf(command, sizeof(command),
	    "cd %s && for k in ci other; do minisign -G -W -p $k.pub -s $k.key; "
	    "minisign -S -s $k.key -x $k.minisig -m shop.war -t 'built by job 7'; done; "
	    "minisign -S -l -s ci.key -x legacy.minisig -m shop.war; "
	    "echo other > other.war; minisign -S -s ci.key -x wrong.minisig -m other.war",
	    h.dir);
	minisign(command);
}

static void a_signature_is_checked_over_the_stored_bytes(void **state)
{
	struct sot_package_register m;
	sot_arena *arena = sot_arena_new(1u << 20);
	char path[80], good[4096], text[4096];
	const answer *a;
	unsigned before = h.asked;
	(void)state;
	make_signatures();
	begin(BYTES, path);
	assert_int_equal(append(path, 0, (sot_str){package, BYTES}), 204);
	a = call("PUT", "/v1/apps/shop/signing", NULL, SOT_STR("{\"policy\":\"required\"}"));
	assert_int_equal(a->status, 200);
	assert_int_equal(
	    call("PUT", "/v1/apps/none/signing", NULL, SOT_STR("{\"policy\":\"required\"}"))->status,
	    404);
	a = register_as("v3", path, package_sha256, NULL);
	assert_int_equal(a->status, 403);
	assert_true(answer_has(a, "must be signed"));
	a = call("PUT", "/v1/apps/shop/versions/v3?file=a.war", NULL, SOT_STR("package"));
	assert_int_equal(a->status, 403);
	read_text("ci.minisig", good);
	a = register_as("v3", path, package_sha256, good);
	assert_int_equal(a->status, 403);
	assert_true(answer_has(a, "nobody has registered"));
	add_key("ci.pub", "shop");
	read_text("other.minisig", text);
	assert_int_equal(register_as("v3", path, package_sha256, text)->status, 403);
	read_text("wrong.minisig", text);
	a = register_as("v3", path, package_sha256, text);
	assert_int_equal(a->status, 403);
	assert_true(answer_has(a, "not over these bytes"));
	read_text("legacy.minisig", text);
	a = register_as("v3", path, package_sha256, text);
	assert_int_equal(a->status, 400);
	assert_true(answer_has(a, "minisign -H"));
	memcpy(text, good, sizeof(text));
	*strstr(text, "job 7") = 'J';
	a = register_as("v3", path, package_sha256, text);
	assert_int_equal(a->status, 403);
	assert_true(answer_has(a, "trusted comment"));
	assert_int_equal(h.asked, before);
	a = register_as("v3", path, package_sha256, good);
	assert_int_equal(a->status, 202);
	assert_int_equal(
	    sot_package_register_decode(sot_buf_str(&h.last_frame), arena, &m, NULL), SOT_OK);
	assert_int_equal(m.signed_by.n, 16);
	assert_true(sot_str_eq_c(m.signature, good));
	assert_true(
	    answer_has(call("GET", "/v1/signing-keys?app=shop", NULL, (sot_str){0}), "\"keyId\""));
	(void)sot_arena_free(arena);
}

/* ---- packages in a bucket ---- */

static void restart(void)
{
	assert_int_equal(kill(h.gateway_pid, SIGTERM), 0);
	assert_int_equal(harness_wait_exit(&h), 0);
	harness_spawn_gateway(&h, NULL);
}

static void forget_here(const char *digest)
{
	char file[200];
	(void)snprintf(file, sizeof(file), "%s/blobs/%s", h.dir, digest);
	assert_int_equal(unlink(file), 0);
}

static void a_bucket_keeps_the_packages_and_a_gateway_fetches_what_it_has_not(void **state)
{
	static const char small[] = "a package in one request";
	char url[80], path[80], blob[96], digest[65];
	const answer *a;
	(void)state;
	s3_bucket_start(0, url);
	h.s3_url = url;
	h.s3_region = S3_BUCKET_REGION;
	h.s3_keys = S3_BUCKET_KEYS;
	restart();
	begin(BYTES, path);
	assert_int_equal(append(path, 0, (sot_str){package, BYTES}), 204);
	assert_int_equal(register_as("b1", path, package_sha256, NULL)->status, 202);
	forget_here(package_sha256);
	(void)snprintf(blob, sizeof(blob), "/v1/blobs/%s", package_sha256);
	a = call("GET", blob, NULL, (sot_str){0});
	assert_int_equal(a->status, 200);
	assert_int_equal(a->body.n, BYTES);
	assert_memory_equal(a->body.p, package, BYTES);
	a = call("PUT", "/v1/apps/shop/versions/b2?file=a.war", NULL, sot_str_c(small));
	assert_int_equal(a->status, 202);
	digest_of(small, strlen(small), digest);
	forget_here(digest);
	s3_bucket_stop(); /* what is here is served, what is not is not there for now */
	assert_int_equal(call("GET", blob, NULL, (sot_str){0})->status, 200);
	(void)snprintf(blob, sizeof(blob), "/v1/blobs/%s", digest);
	assert_int_equal(call("GET", blob, NULL, (sot_str){0})->status, 503);
	/* A version counts when the bucket has it: this one has not come to be. */
	unsigned before = h.asked;
	a = call("PUT", "/v1/apps/shop/versions/b3?file=a.war", NULL, SOT_STR("another package"));
	assert_int_equal(a->status, 503);
	assert_true(answer_has(a, "package store"));
	assert_int_equal(h.asked, before);
	h.s3_url = NULL;
	restart();
}

static void upload_version(const char *version, const char *bytes, bool removed, char digest[65])
{
	char path[80], sql[500], out[4096];
	(void)snprintf(path, sizeof(path), "/v1/apps/shop/versions/%s?file=a.war", version);
	assert_int_equal(call("PUT", path, NULL, sot_str_c(bytes))->status, 202);
	digest_of(bytes, strlen(bytes), digest);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.app_version (app_id, version, sha256, size_bytes, file_name, "
	    "created_by, created_at, removed) SELECT id, '%s', decode('%s', 'hex'), %zu, 'a.war', "
	    "'user:ada', now(), %s FROM scheduler.app WHERE name = 'shop'",
	    version, digest, strlen(bytes), removed ? "true" : "false");
	harness_sql(&h, "sot_scheduler", sql, out);
}

static int status_of(const char *digest)
{
	char blob[96];
	(void)snprintf(blob, sizeof(blob), "/v1/blobs/%s", digest);
	return call("GET", blob, NULL, (sot_str){0})->status;
}

/* No gateway has a file of it any more: its row tells of it. */
static void the_bucket_loses_what_no_version_names(void **state)
{
	char url[80], gone[65], kept[65], young[65], out[4096] = "";
	sot_mono deadline;
	(void)state;
	s3_bucket_start(2 * 86400, url);
	h.s3_url = url;
	h.s3_region = S3_BUCKET_REGION;
	h.s3_keys = S3_BUCKET_KEYS;
	restart();
	upload_version("r1", "a package that is not kept", true, gone);
	upload_version("r2", "a package that is kept", false, kept);
	harness_sql(
	    &h, "sot_gateway", "UPDATE gateway.blob SET created_at = now() - interval '2 days'", out);
	upload_version("r3", "a package that came just now", true, young);
	forget_here(gone);
	forget_here(kept);
	forget_here(young);
	restart();
	deadline = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	while (strcmp(out, "2") != 0) {
		char sql[400];
		(void)snprintf(sql, sizeof(sql),
		    "SELECT count(*) FROM gateway.blob WHERE encode(sha256, 'hex') IN ('%s', '%s', '%s')",
		    gone, kept, young);
		harness_sql(&h, "sot_gateway", sql, out);
		assert_false(sot_mono_reached(sot_mono_now(), deadline));
	}
	assert_int_equal(status_of(gone), 404);
	assert_int_equal(status_of(kept), 200);
	assert_int_equal(status_of(young), 200);
	s3_bucket_stop();
	h.s3_url = NULL;
	restart();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_upload_that_is_cut_at_30_places_arrives_whole),
	    cmocka_unit_test(a_transfer_is_not_paced_by_the_loops_timer),
	    cmocka_unit_test(what_is_wrong_is_said_and_stores_nothing),
	    cmocka_unit_test(an_upload_is_its_owners_alone),
	    cmocka_unit_test(an_upload_outlives_its_gateway_and_an_old_one_does_not),
	    cmocka_unit_test(a_bucket_keeps_the_packages_and_a_gateway_fetches_what_it_has_not),
	    cmocka_unit_test(the_bucket_loses_what_no_version_names),
	    cmocka_unit_test(a_signature_is_checked_over_the_stored_bytes),
	};
	int failed;
	for (size_t i = 0; i < BYTES; i++)
		package[i] = (char)(i * 31 >> 3);
	digest_of(package, BYTES, package_sha256);
	harness_start(&h, NULL, false);
	harness_add_app(&h, "shop");
	h.refuse_with = -1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	harness_stop(&h);
	return failed;
}
