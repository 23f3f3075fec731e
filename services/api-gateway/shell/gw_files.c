/* Files: package blobs with ranges, the web UI, the API's description, health and metrics. */
#include "gateway.h"

#include "gw_api_page.h"
#include "gw_s3.h"
#include "gw_text.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CONTENT_SECURITY_POLICY                                                                    \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' " \
	"data:; font-src 'self'; manifest-src 'self'; frame-ancestors 'none'; base-uri 'none'; "       \
	"form-action 'self'"

/* A file below `folder`, whatever the path says: the kernel refuses "..", absolute links and
 * everything else that leads out. */
static int open_below(const char *folder, const char *path, struct stat *ret)
{
	struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int root = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;
	if (root < 0)
		return -1;
	fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	(void)close(root);
	if (fd >= 0 && (fstat(fd, ret) != 0 || !S_ISREG(ret->st_mode))) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

/* ---- package blobs ---- */
static void send_range(gw_call *c, int fd, uint64_t size)
{
	sot_str header = gw_request_header(c->http, "Range");
	uint64_t first = 0, count = size;
	char text[96], etag[GW_PARAM_MAX + 4];
	gw_reply *reply;
	sot_code code = SOT_NOT_FOUND;
	if (header.n > 0)
		code = gw_range_parse(header, size, &first, &count, NULL);
	(void)snprintf(etag, sizeof(etag), "\"%s\"", c->match.params[0]);
	if (code == SOT_LIMIT) {
		(void)close(fd);
		(void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
		reply = gw_reply_bytes(416, NULL, (sot_str){0});
		gw_reply_header(reply, "Content-Range", text);
		call_reply(c, &reply);
		return;
	}
	reply = gw_reply_file(
	    c->http, code == SOT_OK ? 206 : 200, "application/octet-stream", fd, first, count);
	if (code == SOT_OK) {
		(void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)first,
		    (unsigned long long)(first + count - 1), (unsigned long long)size);
		gw_reply_header(reply, "Content-Range", text);
	}
	gw_reply_header(reply, "Accept-Ranges", "bytes");
	gw_reply_header(reply, "ETag", etag);
	gw_reply_header(reply, "Cache-Control", "private, immutable, max-age=31536000");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

/* A blob that the package store has and this gateway does not, yet. */
typedef struct fetching {
	gw_call *call; /* NULL when the request is over before the work is */
	bool working;
	gw_s3 s3;
	char name[65], folder[512];
	sot_code code;
	sot_err err;
} fetching;

static void fetching_free(void *state)
{
	fetching *f = state;
	f->call = NULL;
	if (!f->working)
		free(f);
}

static void fetch(void *arg)
{
	fetching *f = arg;
	f->code = gw_s3_fetch(&f->s3, f->name, f->folder, &f->err);
}

static void on_fetched(void *arg)
{
	fetching *f = arg;
	gw_call *c = f->call;
	struct stat st;
	int fd;
	f->working = false;
	if (c == NULL) {
		free(f);
		return;
	}
	fd = open_below(f->folder, f->name, &st); /* or another request has brought it */
	if (fd >= 0)
		send_range(c, fd, (uint64_t)st.st_size);
	else
		call_fail(c, &f->err);
}

static void fetch_blob(gw_call *c, const char *name)
{
	fetching *f = sot_alloc(sizeof(*f));
	c->state = f;
	c->state_free = fetching_free;
	f->call = c;
	f->s3 = gw_s3_of(c->g->config);
	(void)snprintf(f->name, sizeof(f->name), "%s", name);
	(void)snprintf(f->folder, sizeof(f->folder), "%s", c->g->config->blobs_dir);
	f->working = true;
	reactor_queue_work(c->g->loop, fetch, on_fetched, f);
}

void serve_blob_get(gw_call *c)
{
	uint8_t digest[GW_SHA256_N];
	char name[65];
	struct stat st;
	int fd;
	if (sot_hex_decode(sot_str_c(c->match.params[0]), digest, sizeof(digest), NULL) != SOT_OK) {
		call_problem(c, 404, "not_found", "a blob's name is 64 hexadecimal digits");
		return;
	}
	sot_hex_encode(digest, sizeof(digest), name);
	fd = open_below(c->g->config->blobs_dir, name, &st);
	if (fd < 0 && c->g->config->s3_url[0] != '\0') {
		fetch_blob(c, name);
		return;
	}
	if (fd < 0) {
		call_problem(c, 404, "not_found", "there is no blob %s here", name);
		return;
	}
	send_range(c, fd, (uint64_t)st.st_size);
}

/* ---- the web UI ---- */
static const char *type_of(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} types[] = {
	    {".html", "text/html; charset=utf-8"},
	    {".js", "text/javascript; charset=utf-8"},
	    {".css", "text/css; charset=utf-8"},
	    {".json", "application/json"},
	    {".svg", "image/svg+xml"},
	    {".png", "image/png"},
	    {".ico", "image/x-icon"},
	    {".woff2", "font/woff2"},
	    {".txt", "text/plain; charset=utf-8"},
	    {".webmanifest", "application/manifest+json"},
	};
	size_t n = strlen(path);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		size_t m = strlen(types[i].suffix);
		if (n > m && strcmp(path + n - m, types[i].suffix) == 0)
			return types[i].type;
	}
	return "application/octet-stream";
}

/* Hidden files, empty segments and backslashes have no place in a UI. */
static bool is_plain_path(const char *path)
{
	bool segment_begins = true;
	for (const char *p = path; *p != '\0'; p++) {
		if ((segment_begins && (*p == '.' || *p == '/')) || *p == '\\' || (unsigned char)*p < 0x20)
			return false;
		segment_begins = *p == '/';
	}
	return true;
}

static bool wants_gzip(gw_call *c)
{
	sot_str accepts = gw_request_header(c->http, "Accept-Encoding");
	return accepts.n >= 4 && memmem(accepts.p, accepts.n, "gzip", 4) != NULL;
}

static int open_ui(gw_call *c, const char *path, struct stat *ret, bool *ret_gzip)
{
	const char *folder = c->g->config->ui_dir;
	char packed[520];
	int fd = -1;
	*ret_gzip = false;
	if (wants_gzip(c)) {
		(void)snprintf(packed, sizeof(packed), "%s.gz", path);
		fd = open_below(folder, packed, ret);
		*ret_gzip = fd >= 0;
	}
	return fd >= 0 ? fd : open_below(folder, path, ret);
}

static void send_ui(gw_call *c, const char *path, int fd, const struct stat *st, bool gzip)
{
	gw_reply *reply = gw_reply_file(c->http, 200, type_of(path), fd, 0, (uint64_t)st->st_size);
	/* The build puts a hash into the names below assets/: such a file never changes. */
	bool immutable = strncmp(path, "assets/", 7) == 0;
	gw_reply_header(
	    reply, "Cache-Control", immutable ? "public, immutable, max-age=31536000" : "no-store");
	if (gzip)
		gw_reply_header(reply, "Content-Encoding", "gzip");
	gw_reply_header(reply, "Vary", "Accept-Encoding");
	gw_reply_header(reply, "Content-Security-Policy", CONTENT_SECURITY_POLICY);
	gw_reply_header(reply, "X-Frame-Options", "DENY");
	gw_reply_header(reply, "Cross-Origin-Opener-Policy", "same-origin");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

void serve_static(gw_call *c)
{
	sot_str method = gw_request_method(c->http), raw = gw_request_path(c->http);
	char path[512];
	size_t n = 0;
	struct stat st;
	bool gzip = false;
	int fd;
	sot_err err = {0};
	if (!sot_str_eq_c(method, "GET") && !sot_str_eq_c(method, "HEAD")) {
		call_problem(c, 404, "not_found", "there is no %.*s", SOT_ARG(raw));
		return;
	}
	if (raw.n > 0)
		raw = (sot_str){raw.p + 1, raw.n - 1};
	if (gw_percent_decode(raw, path, sizeof(path), &n, &err) != SOT_OK || !is_plain_path(path)) {
		call_problem(c, 404, "not_found", "that is no path of the UI");
		return;
	}
	fd = path[0] != '\0' ? open_ui(c, path, &st, &gzip) : -1;
	/* A page of the UI's own router has no file and no suffix. */
	if (fd < 0 && strchr(path, '.') == NULL) {
		(void)snprintf(path, sizeof(path), "index.html");
		fd = open_ui(c, path, &st, &gzip);
	}
	if (fd < 0)
		call_problem(c, 404, "not_found", "there is no such file in ui_dir; is the UI built?");
	else
		send_ui(c, path, fd, &st, gzip);
}

/* ---- about the gateway ---- */
void serve_openapi_get(gw_call *c)
{
	gw_reply *reply = gw_reply_constant(200, "application/json", sot_buf_str(&c->g->openapi));
	gw_reply_header(reply, "Cache-Control", "no-store");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

/* No script, nothing from outside; the style by its digest. */
static void add_page_policy(gw_reply *reply)
{
	uint8_t digest[GW_SHA256_N];
	char text[sodium_base64_ENCODED_LEN(GW_SHA256_N, sodium_base64_VARIANT_ORIGINAL)], policy[256];
	call_sha256(gw_api_page_style(), digest);
	(void)snprintf(policy, sizeof(policy),
	    "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
	    "frame-ancestors 'none'",
	    sodium_bin2base64(
	        text, sizeof(text), digest, sizeof(digest), sodium_base64_VARIANT_ORIGINAL));
	gw_reply_header(reply, "Content-Security-Policy", policy);
}

void serve_api_page(gw_call *c)
{
	sot_buf *page = &c->g->api_page;
	sot_err err = {0};
	if (page->n == 0) {
		sot_buf_init(page, 8u * 1024 * 1024);
		if (gw_api_page_render(sot_buf_str(&c->g->openapi), page, &err) != SOT_OK ||
		    sot_buf_failed(page)) {
			sot_buf_clear(page);
			call_problem(c, 500, "internal", "the page cannot be made: %s", err.text);
			return;
		}
	}
	gw_reply *reply = gw_reply_constant(200, "text/html; charset=utf-8", sot_buf_str(page));
	gw_reply_header(reply, "Cache-Control", "no-store");
	gw_reply_header(reply, "X-Frame-Options", "DENY");
	add_page_policy(reply);
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

void serve_metrics_get(gw_call *c)
{
	gw_reply *reply;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 1024 * 1024);
	sot_metrics_render(&text);
	reply = gw_reply_bytes(
	    200, "application/openmetrics-text; version=1.0.0; charset=utf-8", sot_buf_str(&text));
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

void serve_health_get(gw_call *c)
{
	bool database = store_is_up(c->g->db), scheduler = gw_peers_scheduler_is_up(c->g->peers);
	sot_buf_printf(&c->rows,
	    "{\"status\":\"%s\",\"database\":%s,\"scheduler\":%s,\"version\":\"%s\"}\n",
	    c->g->draining ? "stopping"
	    : !database    ? "unavailable"
	    : scheduler    ? "ok"
	                   : "degraded",
	    database ? "true" : "false", scheduler ? "true" : "false", SOT_VERSION);
	call_json(c, database && !c->g->draining ? 200 : 503, sot_buf_str(&c->rows));
}
