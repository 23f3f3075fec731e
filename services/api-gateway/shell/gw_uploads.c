#include "gw_uploads.h"

#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { INFO_MAX = 4096 };

static void file_path(const char *blobs_dir, const char *id, const char *suffix, char ret[640])
{
	(void)snprintf(ret, 640, "%s/uploads/%s%s", blobs_dir, id, suffix);
}

static bool is_id(const char *id)
{
	return strlen(id) == GW_UPLOAD_ID - 1 && strspn(id, "0123456789abcdef") == GW_UPLOAD_ID - 1;
}

/* ---- one upload ---- */
static sot_code read_info(const gateway *g, gw_upload_info *u, sot_err *err)
{
	char path[640];
	SOT_AUTO_BUF text;
	json_t *json;
	sot_code code;
	sot_buf_init(&text, INFO_MAX);
	file_path(g->config->blobs_dir, u->id, ".info", path);
	code = sot_file_read(path, &text, err);
	if (code != SOT_OK)
		return code;
	json = json_loadb(text.p, text.n, 0, NULL);
	if (!json_is_string(json_object_get(json, "actor")) ||
	    !json_is_integer(json_object_get(json, "lengthBytes")))
		code = sot_fail(err, SOT_INTERNAL, "%s is damaged", path);
	else {
		(void)snprintf(
		    u->actor, sizeof(u->actor), "%s", json_string_value(json_object_get(json, "actor")));
		u->length_bytes = (uint64_t)json_integer_value(json_object_get(json, "lengthBytes"));
	}
	json_decref(json);
	return code;
}

sot_code gw_upload_find(gw_call *c, const char *id, gw_upload_info *ret, sot_err *err)
{
	gw_upload_info u = {0};
	struct stat st;
	bool known = is_id(id);
	if (known) {
		memcpy(u.id, id, sizeof(u.id));
		file_path(c->g->config->blobs_dir, id, "", u.path);
		known = stat(u.path, &st) == 0 && read_info(c->g, &u, err) == SOT_OK &&
		        strcmp(u.actor, c->caller.actor) == 0;
	}
	if (known) {
		u.offset_bytes = (uint64_t)st.st_size;
		u.expires_unix_s = (int64_t)st.st_mtime + c->g->config->upload_expiry_s;
		known = u.expires_unix_s > (int64_t)time(NULL);
	}
	if (!known)
		return sot_fail(err, SOT_NOT_FOUND,
		    "%s has no upload %.40s here, or it has expired; begin again with POST /v1/uploads",
		    c->caller.actor, id);
	*ret = u;
	return SOT_OK;
}

void gw_upload_remove(const gateway *g, const char *id)
{
	char path[640];
	if (!is_id(id))
		return;
	file_path(g->config->blobs_dir, id, "", path);
	(void)unlink(path);
	file_path(g->config->blobs_dir, id, ".info", path);
	(void)unlink(path);
}

size_t gw_uploads_sweep(const char *blobs_dir, int64_t now_unix_s, int64_t expiry_s)
{
	char folder[640];
	struct dirent *entry;
	DIR *dir;
	size_t removed = 0;
	(void)snprintf(folder, sizeof(folder), "%s/uploads", blobs_dir);
	dir = opendir(folder);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		struct stat st, bytes;
		char id[GW_UPLOAD_ID], note[GW_UPLOAD_ID + 8];
		(void)snprintf(id, sizeof(id), "%.32s", entry->d_name);
		if (!is_id(id) || fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    now_unix_s - (int64_t)st.st_mtime <= expiry_s)
			continue;
		/* The note is as old as the upload; only the bytes tell when the last of them came. */
		if (strlen(entry->d_name) > sizeof(id) - 1 &&
		    fstatat(dirfd(dir), id, &bytes, AT_SYMLINK_NOFOLLOW) == 0)
			continue;
		removed += unlinkat(dirfd(dir), entry->d_name, 0) == 0 ? 1 : 0;
		(void)snprintf(note, sizeof(note), "%s.info", id);
		(void)unlinkat(dirfd(dir), note, 0);
	}
	if (dir != NULL)
		(void)closedir(dir);
	return removed;
}

/* ---- answers ---- */
static void add_upload_headers(gw_reply *reply, const gw_upload_info *u)
{
	char text[64];
	struct tm tm;
	time_t at = (time_t)u->expires_unix_s;
	gw_reply_header(reply, "Tus-Resumable", "1.0.0");
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)u->offset_bytes);
	gw_reply_header(reply, "Upload-Offset", text);
	(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)u->length_bytes);
	gw_reply_header(reply, "Upload-Length", text);
	if (gmtime_r(&at, &tm) != NULL &&
	    strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		gw_reply_header(reply, "Upload-Expires", text);
	gw_reply_header(reply, "Cache-Control", "no-store");
}

static void reply_upload(gw_call *c, int status, const gw_upload_info *u)
{
	char location[64];
	gw_reply *reply;
	SOT_AUTO_BUF body;
	sot_buf_init(&body, INFO_MAX);
	if (status != 204)
		sot_buf_printf(&body,
		    "{\"id\":\"%s\",\"offsetBytes\":%llu,\"lengthBytes\":%llu,\"expiresUnixMs\":%lld}\n",
		    u->id, (unsigned long long)u->offset_bytes, (unsigned long long)u->length_bytes,
		    (long long)u->expires_unix_s * 1000);
	reply = gw_reply_bytes(status, status != 204 ? "application/json" : NULL, sot_buf_str(&body));
	add_upload_headers(reply, u);
	(void)snprintf(location, sizeof(location), "/v1/uploads/%s", u->id);
	if (status == 201)
		gw_reply_header(reply, "Location", location);
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

/* ---- POST /v1/uploads ---- */
static sot_code read_length(gw_call *c, uint64_t *ret)
{
	sot_str text = gw_request_header(c->http, "Upload-Length");
	uint64_t max = (uint64_t)c->g->config->package_bytes_max;
	if (sot_parse_u64(text, 0, UINT64_MAX, ret, NULL) != SOT_OK) {
		call_problem(
		    c, 400, "invalid", "the header Upload-Length must say how many bytes will come");
		return SOT_INVALID;
	}
	if (*ret == 0) {
		call_problem(c, 400, "invalid", "the file is empty; a package has at least one byte");
		return SOT_INVALID;
	}
	if (*ret <= max)
		return SOT_OK;
	call_problem(c, 413, "limit", "a package has at most %llu bytes, this one has %llu",
	    (unsigned long long)max, (unsigned long long)*ret);
	return SOT_LIMIT;
}

static sot_code check_room(gw_call *c, uint64_t length)
{
	struct statvfs st;
	uint64_t free_bytes;
	if (statvfs(c->g->config->blobs_dir, &st) != 0)
		return SOT_OK;
	free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
	if (free_bytes >= length)
		return SOT_OK;
	call_problem(c, 507, "limit",
	    "the store of packages has %llu bytes free, %llu are needed; remove old versions or give "
	    "it a larger disk",
	    (unsigned long long)free_bytes, (unsigned long long)length);
	return SOT_LIMIT;
}

static sot_code write_info(const gateway *g, const gw_upload_info *u, sot_err *err)
{
	char path[640];
	SOT_AUTO_BUF text;
	sot_buf_init(&text, INFO_MAX);
	sot_buf_add_c(&text, "{\"actor\":");
	sot_buf_add_json(&text, sot_str_c(u->actor));
	sot_buf_printf(&text, ",\"lengthBytes\":%llu}\n", (unsigned long long)u->length_bytes);
	file_path(g->config->blobs_dir, u->id, ".info", path);
	return sot_file_write(path, sot_buf_str(&text), 0640, err);
}

/* An upload that a key has begun is found by it: its id is made from whose key it is, so that every
 * gateway knows it. */
static void make_id(gw_call *c, sot_str key, char ret[GW_UPLOAD_ID])
{
	char text[256];
	uint8_t digest[(GW_UPLOAD_ID - 1) / 2];
	if (key.n == 0) {
		call_random_hex(ret, sizeof(digest));
		return;
	}
	int n = snprintf(text, sizeof(text), "%s upload %.*s", c->caller.actor, SOT_ARG(key));
	(void)crypto_generichash(digest, sizeof(digest), (const unsigned char *)text,
	    (unsigned long long)n, c->g->seal_key, sizeof(c->g->seal_key));
	sot_hex_encode(digest, sizeof(digest), ret);
}

/* Whether the key's upload is there; then that was answered. */
static bool is_there(gw_call *c, const char *id, uint64_t length_bytes)
{
	gw_upload_info u;
	if (gw_upload_find(c, id, &u, NULL) != SOT_OK)
		return false;
	if (u.length_bytes == length_bytes)
		reply_upload(c, 201, &u);
	else
		call_problem(c, 422, "key_reused",
		    "this Idempotency-Key has begun an upload of %llu bytes; another one needs a new key",
		    (unsigned long long)u.length_bytes);
	return true;
}

void serve_upload_create(gw_call *c)
{
	gw_upload_info u = {0};
	sot_err err = {0};
	sot_str key;
	int fd;
	if (call_key(c, &key) != SOT_OK)
		return;
	if (read_length(c, &u.length_bytes) != SOT_OK || check_room(c, u.length_bytes) != SOT_OK)
		return;
	make_id(c, key, u.id);
	if (key.n > 0 && is_there(c, u.id, u.length_bytes))
		return;
	memcpy(u.actor, c->caller.actor, sizeof(u.actor));
	file_path(c->g->config->blobs_dir, u.id, "", u.path);
	if (write_info(c->g, &u, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	fd = open(u.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	if (fd < 0 && errno == EEXIST && key.n > 0 && is_there(c, u.id, u.length_bytes))
		return;
	if (fd < 0) {
		(void)sot_fail_errno(&err, SOT_INTERNAL, errno, "%s", u.path);
		gw_upload_remove(c->g, u.id);
		call_fail(c, &err);
		return;
	}
	(void)close(fd);
	u.expires_unix_s = (int64_t)time(NULL) + c->g->config->upload_expiry_s;
	sot_log(SOT_INFO, "upload.begun", "upload=%.8s actor=%s bytes=%llu", u.id, u.actor,
	    (unsigned long long)u.length_bytes);
	reply_upload(c, 201, &u);
}

void serve_upload_get(gw_call *c)
{
	gw_upload_info u;
	sot_err err = {0};
	if (gw_upload_find(c, c->match.params[0], &u, &err) != SOT_OK)
		call_fail(c, &err);
	else
		reply_upload(c, 200, &u);
}

void serve_upload_delete(gw_call *c)
{
	gw_upload_info u;
	sot_err err = {0};
	if (gw_upload_find(c, c->match.params[0], &u, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	gw_upload_remove(c->g, u.id);
	reply_upload(c, 204, &u);
}

/* ---- PATCH /v1/uploads/{id} ---- */
typedef struct append {
	sot_link link; /* of gateway.appends, while fd is open */
	gw_call *call;
	gw_upload_info upload;
	int fd; /* -1: not open, or taken over by a newer request */
} append;

static void append_close(append *a)
{
	if (a->fd < 0)
		return;
	sot_list_remove(&a->link);
	(void)close(a->fd); /* and its lock is free */
	a->fd = -1;
}

static void append_free(void *state)
{
	append_close(state);
	free(state);
}

/* A client whose connection was cut comes back before the old one has timed out here. */
static void take_over(gateway *g, const char *id)
{
	for (sot_link *l = g->appends.next; l != &g->appends; l = l->next) {
		append *a = SOT_CONTAINER(l, append, link);
		if (strcmp(a->upload.id, id) != 0)
			continue;
		append_close(a);
		return;
	}
}

static void on_piece(void *self, gw_request *q, sot_str piece)
{
	append *a = self;
	sot_str rest = piece;
	sot_err err = {0};
	(void)q;
	if (a->fd < 0) {
		call_problem(a->call, 409, "conflict",
		    "another request goes on with this upload; ask for its offset");
		return;
	}
	while (rest.n > 0) {
		ssize_t n = write(a->fd, rest.p, rest.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			bool is_full = errno == ENOSPC || errno == EDQUOT;
			(void)sot_fail_errno(
			    &err, is_full ? SOT_LIMIT : SOT_INTERNAL, errno, "the bytes cannot be stored");
			call_problem(a->call, is_full ? 507 : 500, sot_code_name(err.code), "%s", err.text);
			return;
		}
		a->upload.offset_bytes += (uint64_t)n;
		rest = (sot_str){rest.p + n, rest.n - (size_t)n};
	}
	sot_metric_add(a->call->g->upload_bytes, piece.n);
	SOT_FAILPOINT_HIT("gateway.upload.after_piece");
}

static void refuse_offset(gw_call *c, const gw_upload_info *u, uint64_t offset)
{
	call_problem(c, 409, "conflict",
	    "the upload has %llu bytes, so Upload-Offset must be that, not %llu",
	    (unsigned long long)u->offset_bytes, (unsigned long long)offset);
}

static sot_code open_locked(append *a, uint64_t offset)
{
	gw_call *c = a->call;
	struct stat st;
	sot_err err = {0};
	take_over(c->g, a->upload.id);
	a->fd = open(a->upload.path, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (a->fd < 0) {
		(void)sot_fail_errno(&err, SOT_INTERNAL, errno, "%s", a->upload.path);
		call_fail(c, &err);
		return SOT_INTERNAL;
	}
	sot_list_push(&c->g->appends, &a->link);
	if (flock(a->fd, LOCK_EX | LOCK_NB) != 0) {
		call_problem(c, 423, "conflict",
		    "another gateway receives bytes of this upload; try again in a few seconds");
		return SOT_CONFLICT;
	}
	if (fstat(a->fd, &st) != 0 || (uint64_t)st.st_size != offset) {
		a->upload.offset_bytes = (uint64_t)st.st_size;
		refuse_offset(c, &a->upload, offset);
		return SOT_CONFLICT;
	}
	return SOT_OK;
}

void append_begin(gw_call *c)
{
	append *a = sot_alloc(sizeof(*a));
	sot_str type = gw_request_header(c->http, "Content-Type");
	uint64_t offset = 0;
	sot_err err = {0};
	*a = (append){.call = c, .fd = -1};
	sot_list_init(&a->link);
	c->state = a;
	c->state_free = append_free;
	if (!sot_str_eq_c(type, "application/offset+octet-stream")) {
		call_problem(c, 415, "unsupported_media_type",
		    "the bytes must come with 'Content-Type: application/offset+octet-stream'");
		return;
	}
	if (sot_parse_u64(gw_request_header(c->http, "Upload-Offset"), 0, UINT64_MAX, &offset, NULL) !=
	    SOT_OK) {
		call_problem(c, 400, "invalid",
		    "the header Upload-Offset must say where these bytes belong; HEAD tells how many are "
		    "there");
		return;
	}
	if (gw_upload_find(c, c->match.params[0], &a->upload, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	if (open_locked(a, offset) == SOT_OK)
		gw_request_stream_body(c->http, a->upload.length_bytes - offset, on_piece, a);
}

void serve_upload_append(gw_call *c)
{
	append *a = c->state;
	a->upload.expires_unix_s = (int64_t)time(NULL) + c->g->config->upload_expiry_s;
	append_close(a);
	reply_upload(c, 204, &a->upload);
}
