#include "packages.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper_program.h"
#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_map.h"
#include "sot_parse.h"
#include "sot_rand.h"

enum {
	FETCH_DEADLINE_MS = 900000,
	UNPACK_DEADLINE_MS = 600000,
	TOKEN_MAX = 512,
	BLOCK = 65536,
	CHILD_OUTPUT_MAX = 4096
};

typedef struct job job;

struct packages {
	packages_options o;
	char program[PATH_MAX];
	sot_link jobs;
};

/* One download or unpacking. */
struct job {
	sot_link all; /* in packages.jobs; of one that waits for another: in its `joined` */
	sot_link joined;
	bool unpacks;
	packages *p;
	packages_done_fn done;
	void *self;
	char sha256[PLAN_SHA256_TEXT];
	char part[PLAN_PATH_MAX]; /* of the download; kept when it is cut, and gone on with */
	char temp[PLAN_PATH_MAX], final[PLAN_PATH_MAX], blob[PLAN_PATH_MAX];
	uint64_t size_bytes, offset; /* of the whole; had before this request */
	const char *gateway;         /* that was asked */
	int fd;
	sot_code code;
	sot_err err;
};

packages *packages_new(const packages_options *options)
{
	packages *p = sot_alloc(sizeof(*p));
	p->o = *options;
	sot_list_init(&p->jobs);
	helper_program_find("sotalia-unpack", p->program);
	return p;
}

packages *packages_free(packages *p)
{
	free(p);
	return NULL;
}

static job *job_new(packages *p, const char *sha256, packages_done_fn done, void *self)
{
	uint64_t tag = 0;
	job *j = sot_alloc(sizeof(*j));
	sot_list_init(&j->all);
	sot_list_init(&j->joined);
	sot_rand_bytes(&tag, sizeof(tag));
	j->p = p;
	j->done = done;
	j->self = self;
	j->fd = -1;
	(void)snprintf(j->sha256, sizeof(j->sha256), "%s", sha256);
	(void)snprintf(j->temp, sizeof(j->temp), "%s/packages/.tmp/%.16s-%016llx", p->o.state_dir,
	    sha256, (unsigned long long)tag);
	(void)snprintf(j->blob, sizeof(j->blob), "%s/packages/.blobs/%s", p->o.state_dir, sha256);
	(void)snprintf(j->part, sizeof(j->part), "%s/packages/.blobs/%s.part", p->o.state_dir, sha256);
	(void)snprintf(j->final, sizeof(j->final), "%s/packages/%s", p->o.state_dir, sha256);
	return j;
}

static job *job_free(job *j)
{
	if (j && j->fd >= 0)
		close(j->fd);
	if (j)
		sot_list_remove(&j->all);
	free(j);
	return NULL;
}

/* True when another one does the same already: it ends this one, too. */
static bool job_joins(job *j, bool unpacks)
{
	j->unpacks = unpacks;
	for (sot_link *l = j->p->jobs.next; l != &j->p->jobs; l = l->next) {
		job *other = SOT_CONTAINER(l, job, all);
		if (other->unpacks != unpacks || strcmp(other->sha256, j->sha256) != 0)
			continue;
		sot_list_push(&other->joined, &j->all);
		return true;
	}
	sot_list_push(&j->p->jobs, &j->all);
	return false;
}

static void job_end(job *j)
{
	sot_list_remove(&j->all); /* who asks from now on begins anew */
	while (!sot_list_empty(&j->joined)) {
		job *other = SOT_CONTAINER(j->joined.next, job, all);
		other->done(other->self, j->code, &j->err);
		job_free(other);
	}
	j->done(j->self, j->code, &j->err);
	job_free(j);
}

static sot_code sync_folder(const char *path, sot_err *err)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd >= 0 ? fsync(fd) : -1;
	int why = errno;
	if (fd >= 0)
		close(fd);
	return rc == 0 ? SOT_OK : sot_fail_errno(err, SOT_UNAVAILABLE, why, "fsync %s", path);
}

/* ---- download ---- */

static sot_code check_digest(job *j)
{
	unsigned char block[BLOCK], digest[crypto_hash_sha256_BYTES];
	char text[PLAN_SHA256_TEXT];
	uint64_t total = 0;
	crypto_hash_sha256_state h;
	(void)crypto_hash_sha256_init(&h);
	for (;;) {
		ssize_t n = pread(j->fd, block, sizeof(block), (off_t)total);
		if (n < 0)
			return sot_fail_errno(&j->err, SOT_UNAVAILABLE, errno, "read %s", j->part);
		if (n == 0)
			break;
		(void)crypto_hash_sha256_update(&h, block, (unsigned long long)n);
		total += (uint64_t)n;
	}
	(void)crypto_hash_sha256_final(&h, digest);
	sot_hex_encode(digest, sizeof(digest), text);
	if (total != j->size_bytes || strcmp(text, j->sha256) != 0)
		return sot_fail(&j->err, SOT_UNAVAILABLE,
		    "the download has %llu bytes of %llu and digest %.16s...; thrown away",
		    (unsigned long long)total, (unsigned long long)j->size_bytes, text);
	return SOT_OK;
}

static sot_code keep_blob(job *j, sot_err *err)
{
	char folder[PLAN_PATH_MAX];
	SOT_FAILPOINT("hostagent.fetch.before_verify", err);
	sot_code code = check_digest(j);
	if (code != SOT_OK)
		return code;
	if (fsync(j->fd) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "fsync %s", j->part);
	SOT_FAILPOINT("hostagent.fetch.before_rename", err);
	if (rename(j->part, j->blob) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "rename %s", j->part);
	(void)snprintf(folder, sizeof(folder), "%s/packages/.blobs", j->p->o.state_dir);
	return sync_folder(folder, err);
}

/* On the thread pool: hashing and syncing may take seconds. */
static void verify_work(void *arg)
{
	job *j = arg;
	j->code = keep_blob(j, &j->err);
	if (j->code != SOT_OK)
		(void)unlink(j->part);
}

static void verify_done(void *arg)
{
	job_end(arg);
}

/* What a refusal or a redirect wrote is no part of the package. What a cut answer wrote may be: it
 * stays, and the digest of the whole decides. */
static void drop_reply(job *j)
{
	if (j->fd >= 0 && ftruncate(j->fd, (off_t)j->offset) != 0)
		(void)unlink(j->part);
}

static void fetched(void *self, const http_reply *reply)
{
	job *j = self;
	int wanted = j->offset > 0 ? 206 : 200;
	if (reply->code == SOT_OK && reply->status == wanted) {
		reactor_queue_work(j->p->o.loop, verify_work, verify_done, j);
		return;
	}
	/* One that does not have it may not share its store with the others. */
	if (reply->code != SOT_OK || reply->status >= 500 || reply->status == 404)
		gateways_failed(j->p->o.gateways, j->gateway);
	if (reply->code != SOT_OK) {
		j->code = sot_fail(
		    &j->err, SOT_UNAVAILABLE, "gateway: %s", reply->why ? reply->why->text : "no answer");
	} else {
		j->code = sot_fail(&j->err, SOT_UNAVAILABLE, "gateway: status %d for package %.16s...",
		    reply->status, j->sha256);
		drop_reply(j);
	}
	/* A gateway that answers from the beginning is taken at its word the next time. */
	if (reply->code == SOT_OK && (reply->status == 200 || reply->status == 416))
		(void)unlink(j->part);
	job_end(j);
}

static sot_code read_token(const packages *p, char dst[static TOKEN_MAX + 32], sot_err *err)
{
	char path[PLAN_PATH_MAX];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, TOKEN_MAX);
	(void)snprintf(path, sizeof(path), "%s/fetch.token", p->o.state_dir);
	sot_code code = sot_file_read(path, &text, err);
	if (code != SOT_OK)
		return code;
	sot_str rest;
	sot_str token = sot_str_cut(sot_buf_str(&text), '\n', &rest);
	(void)snprintf(dst, TOKEN_MAX + 32, "Authorization: Bearer %.*s", SOT_ARG(token));
	return SOT_OK;
}

static sot_code start_fetch(job *j, sot_err *err)
{
	char url[1024], token[TOKEN_MAX + 32], range[64];
	const char *headers[] = {token, NULL, NULL};
	struct stat st;
	sot_code code = read_token(j->p, token, err);
	if (code != SOT_OK)
		return code;
	SOT_FAILPOINT("hostagent.fetch.before_request", err);
	j->fd = open(j->part, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0 || fstat(j->fd, &st) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "open %s", j->part);
	/* One byte at least is asked for: a range behind the end would be refused. */
	j->offset = (uint64_t)st.st_size;
	if (j->offset >= j->size_bytes) {
		j->offset = 0;
		if (ftruncate(j->fd, 0) != 0)
			return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "truncate %s", j->part);
	}
	(void)snprintf(range, sizeof(range), "Range: bytes=%llu-", (unsigned long long)j->offset);
	if (j->offset > 0)
		headers[1] = range;
	j->gateway = gateways_url(j->p->o.gateways);
	(void)snprintf(url, sizeof(url), "%s/v1/blobs/%s", j->gateway, j->sha256);
	http_request q = {.method = "GET",
	    .url = url,
	    .ca_file = *j->p->o.gateway_ca ? j->p->o.gateway_ca : NULL,
	    .headers = headers,
	    .deadline_ms = FETCH_DEADLINE_MS,
	    .body_max = (size_t)(j->size_bytes - j->offset) + 1,
	    .output_fd = j->fd,
	    .netns_fd = -1};
	return http_client_send(j->p->o.http, &q, fetched, j, NULL, err);
}

sot_code packages_fetch(packages *p, const char *sha256, uint64_t size_bytes, packages_done_fn done,
    void *self, sot_err *err)
{
	job *j = job_new(p, sha256, done, self);
	j->size_bytes = size_bytes;
	if (job_joins(j, false))
		return SOT_OK;
	sot_code code = start_fetch(j, err);
	if (code != SOT_OK)
		job_free(j);
	return code;
}

/* ---- unpacking ---- */

static sot_code keep_folder(job *j, const reactor_child_result *result, sot_err *err)
{
	char folder[PLAN_PATH_MAX];
	if (result->exit_status != 0)
		return sot_fail(err, SOT_INVALID, "package %.16s...: %.*s", j->sha256,
		    result->err_text.n > 0 ? (int)result->err_text.n : 26,
		    result->err_text.n > 0 ? result->err_text.p : "unpacking took too long    ");
	SOT_FAILPOINT("hostagent.unpack.before_rename", err);
	if (rename(j->temp, j->final) != 0 && errno != EEXIST && errno != ENOTEMPTY)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "rename %s", j->temp);
	(void)snprintf(folder, sizeof(folder), "%s/packages", j->p->o.state_dir);
	sot_code code = sync_folder(folder, err);
	if (code == SOT_OK)
		(void)unlink(j->blob);
	return code;
}

static void unpacked(void *self, const reactor_child_result *result)
{
	job *j = self;
	j->code = keep_folder(j, result, &j->err);
	/* What a failed try left in .tmp goes at the next start of the agent. A blob that cannot be
	 * unpacked is fetched again: it may have been damaged on this disk. */
	if (j->code == SOT_INVALID)
		(void)unlink(j->blob);
	job_end(j);
}

static sot_code start_unpack(job *j, sot_err *err)
{
	const char *const argv[] = {j->p->program, j->blob, j->temp, NULL};
	const char *const env[] = {"PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", NULL};
	SOT_FAILPOINT("hostagent.unpack.before_start", err);
	if (mkdir(j->temp, 0755) != 0)
		return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "mkdir %s", j->temp);
	return reactor_spawn(j->p->o.loop, argv, env, (sot_str){0}, CHILD_OUTPUT_MAX,
	    UNPACK_DEADLINE_MS, unpacked, j, err);
}

sot_code packages_unpack(
    packages *p, const char *sha256, packages_done_fn done, void *self, sot_err *err)
{
	job *j = job_new(p, sha256, done, self);
	if (job_joins(j, true))
		return SOT_OK;
	sot_code code = start_unpack(j, err);
	if (code != SOT_OK)
		job_free(j);
	return code;
}
