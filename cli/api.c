/* The client of the HTTP API: libcurl, one request at a time, errors explained. */
#include "cli.h"

#include "sot_parse.h"
#include "sot_rand.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BODY_MAX (256u * 1024 * 1024)

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signo)
{
	(void)signo;
	interrupted = 1;
}

void cli_catch_interrupts(void)
{
	struct sigaction action = {.sa_handler = on_interrupt};
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}

bool cli_interrupted(void)
{
	return interrupted != 0;
}

void cli_reply_clear(cli_reply *reply)
{
	json_decref(reply->json);
	sot_buf_clear(&reply->body);
	*reply = (cli_reply){0};
}

char *cli_escape(const char *text)
{
	static const char plain[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+:";
	sot_buf out;
	char *copy;
	sot_buf_init(&out, 65536);
	for (; *text != '\0'; text++) {
		if (strchr(plain, *text) != NULL && *text != '+')
			sot_buf_add_char(&out, *text);
		else
			sot_buf_printf(&out, "%%%02X", (unsigned char)*text);
	}
	copy = sot_strndup(sot_buf_str(&out));
	sot_buf_clear(&out);
	return copy;
}

char *cli_path(const char *pattern, const char *const *args, size_t arg_count)
{
	sot_buf out;
	char *copy;
	size_t next = 0;
	sot_buf_init(&out, 65536);
	for (; *pattern != '\0'; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 's' && next < arg_count) {
			char *segment = cli_escape(args[next++]);
			sot_buf_add_c(&out, segment);
			free(segment);
			pattern++;
		} else {
			sot_buf_add_char(&out, *pattern);
		}
	}
	copy = sot_strndup(sot_buf_str(&out));
	sot_buf_clear(&out);
	return copy;
}

/* ---- one exchange ---- */
typedef struct exchange {
	CURL *curl;
	struct curl_slist *headers;
	char *url, *body, error[CURL_ERROR_SIZE];
	FILE *file;
	curl_off_t file_bytes, file_offset; /* of the whole file; where this body begins */
	bool progress;
	sot_buf *reply;
	bool (*on_line)(void *self, sot_str line);
	void *self;
	bool to_stdout;
	sot_buf line;
} exchange;

static void add_header(exchange *x, const char *fmt, const char *value)
{
	char text[1024];
	int n = snprintf(text, sizeof(text), "%s%s", fmt, value);
	if (n > 0 && (size_t)n < sizeof(text))
		x->headers = curl_slist_append(x->headers, text);
}

static size_t on_body(char *data, size_t size, size_t count, void *self)
{
	exchange *x = self;
	sot_buf_add(x->reply, data, size * count);
	return sot_buf_failed(x->reply) ? 0 : size * count;
}

static size_t on_output(char *data, size_t size, size_t count, void *self)
{
	exchange *x = self;
	long status = 0;
	(void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? fwrite(data, 1, size * count, stdout) : on_body(data, size, count, self);
}

static size_t on_stream(char *data, size_t size, size_t count, void *self)
{
	exchange *x = self;
	sot_str rest = {data, size * count};
	long status = 0;
	(void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return on_body(data, size, count, self);
	for (size_t i = 0; i < rest.n; i++) {
		if (rest.p[i] != '\n') {
			sot_buf_add_char(&x->line, rest.p[i]);
			continue;
		}
		if (!x->on_line(x->self, sot_buf_str(&x->line)))
			return 0;
		sot_buf_reset(&x->line);
	}
	return rest.n;
}

static void draw_progress(const exchange *x, curl_off_t sent)
{
	char bar[41];
	curl_off_t total = x->file_bytes > 0 ? x->file_bytes : 1;
	size_t full = (size_t)(40 * sent / total);
	memset(bar, '.', 40);
	memset(bar, '#', full < 40 ? full : 40);
	bar[40] = '\0';
	(void)fprintf(stderr, "\r[%s] %3d %%  %lld of %lld KiB", bar, (int)(100 * sent / total),
	    (long long)(sent / 1024), (long long)(x->file_bytes / 1024));
	if (sent >= x->file_bytes)
		(void)fputc('\n', stderr);
}

static int on_progress(
    void *self, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up_now)
{
	exchange *x = self;
	static curl_off_t drawn = -1;
	(void)total;
	(void)now;
	(void)up_total;
	if (x->progress && up_now != drawn && up_now > 0) {
		drawn = up_now;
		draw_progress(x, x->file_offset + up_now);
	}
	return cli_interrupted() ? 1 : 0;
}

static void add_common_headers(exchange *x, const cli_call *call, const cli_request *q)
{
	char fresh[33];
	uint8_t raw[16];
	add_header(x, "Accept: ", "application/json, text/event-stream, text/plain");
	if (call->token != NULL)
		add_header(x, "Authorization: Bearer ", call->token);
	for (size_t i = 0; q->headers != NULL && q->headers[i] != NULL; i++)
		add_header(x, "", q->headers[i]);
	if (strcmp(q->method, "GET") == 0)
		return;
	sot_rand_bytes(raw, sizeof(raw));
	sot_hex_encode(raw, sizeof(raw), fresh);
	add_header(
	    x, "Idempotency-Key: ", call->idempotency_key != NULL ? call->idempotency_key : fresh);
}

static cli_exit open_body(exchange *x, const cli_request *q)
{
	struct stat st;
	if (q->json != NULL) {
		x->body = json_dumps(q->json, JSON_COMPACT);
		add_header(x, "Content-Type: ", "application/json");
		(void)curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, x->body);
		return CLI_OK;
	}
	if (q->file == NULL) {
		if (strcmp(q->method, "POST") == 0)
			(void)curl_easy_setopt(x->curl, CURLOPT_POSTFIELDS, "");
		return CLI_OK;
	}
	x->file = fopen(q->file, "rbe");
	if (x->file == NULL || fstat(fileno(x->file), &st) != 0 || !S_ISREG(st.st_mode) ||
	    fseeko(x->file, q->file_offset, SEEK_SET) != 0) {
		cli_say("error: %s cannot be read: %s", q->file,
		    x->file == NULL ? strerror(errno) : "it is no regular file");
		return CLI_USAGE;
	}
	x->file_bytes = st.st_size;
	x->file_offset = q->file_offset;
	x->progress = isatty(STDERR_FILENO) == 1;
	add_header(
	    x, "Content-Type: ", q->file_type != NULL ? q->file_type : "application/octet-stream");
	(void)curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
	(void)curl_easy_setopt(x->curl, CURLOPT_READDATA, x->file);
	(void)curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, x->file_bytes - x->file_offset);
	return CLI_OK;
}

/* Connections that outlive a request: who looks every second need not greet anew each time. */
static CURLSH *connections(void)
{
	static CURLSH *share;
	if (share == NULL) {
		share = curl_share_init();
		(void)curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT);
	}
	return share;
}

static void set_options(exchange *x, const cli_call *call, const cli_request *q)
{
	(void)curl_easy_setopt(x->curl, CURLOPT_URL, x->url);
	(void)curl_easy_setopt(x->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(x->curl, CURLOPT_HTTPHEADER, x->headers);
	(void)curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, q->method);
	(void)curl_easy_setopt(x->curl, CURLOPT_ERRORBUFFER, x->error);
	(void)curl_easy_setopt(x->curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	(void)curl_easy_setopt(x->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(x->curl, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(x->curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(x->curl, CURLOPT_XFERINFODATA, x);
	(void)curl_easy_setopt(x->curl, CURLOPT_WRITEFUNCTION,
	    x->on_line != NULL ? on_stream
	    : x->to_stdout     ? on_output
	                       : on_body);
	(void)curl_easy_setopt(x->curl, CURLOPT_WRITEDATA, x);
	if (q->keeps_connection)
		(void)curl_easy_setopt(x->curl, CURLOPT_SHARE, connections());
	(void)curl_easy_setopt(x->curl, CURLOPT_COOKIEFILE, ""); /* takes cookies, has none */
	if (call->ca_file != NULL)
		(void)curl_easy_setopt(x->curl, CURLOPT_CAINFO, call->ca_file);
	/* An API call is short; an upload and a stream last as long as bytes move. */
	bool may_be_long = q->file != NULL || x->on_line != NULL || x->to_stdout;
	if (!may_be_long)
		(void)curl_easy_setopt(x->curl, CURLOPT_TIMEOUT_MS, 90000L);
	else
		(void)curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_TIME, 150L); /* an import is checked */
	if (may_be_long)
		(void)curl_easy_setopt(x->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
}

static void close_exchange(exchange *x)
{
	if (x->file != NULL)
		(void)fclose(x->file);
	curl_slist_free_all(x->headers);
	curl_easy_cleanup(x->curl);
	sot_buf_clear(&x->line);
	free(x->body);
	free(x->url);
}

static bool has_own_reason(const cli_command *c)
{
	for (const cli_option *o = c->options; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, "reason") == 0)
			return true;
	return false;
}

/* The path with the query; --reason goes with every change, whatever its body. */
static char *full_url(const cli_call *call, const cli_request *q)
{
	const char *reason = cli_option_of(call, "reason", 0);
	bool add = reason != NULL && strcmp(q->method, "GET") != 0 && !has_own_reason(call->command) &&
	           strstr(q->path, "reason=") == NULL;
	char *escaped = cli_escape(add ? reason : ""), *copy;
	sot_buf out;
	sot_buf_init(&out, 131072);
	sot_buf_printf(&out, "%s%s", call->url, q->path);
	if (add)
		sot_buf_printf(&out, "%creason=%s", strchr(q->path, '?') != NULL ? '&' : '?', escaped);
	copy = sot_strndup(sot_buf_str(&out));
	sot_buf_clear(&out);
	free(escaped);
	return copy;
}

static cli_exit perform(exchange *x, const cli_call *call, const cli_request *q, long *ret_status)
{
	CURLcode code;
	cli_exit result;
	x->curl = curl_easy_init();
	x->url = full_url(call, q);
	sot_buf_init(&x->line, 1024 * 1024);
	add_common_headers(x, call, q);
	result = open_body(x, q);
	if (result != CLI_OK)
		return result;
	set_options(x, call, q);
	code = curl_easy_perform(x->curl);
	(void)curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, ret_status);
	if (call->verbose)
		cli_say("> %s %s\n< %ld", q->method, x->url, *ret_status);
	if (cli_interrupted())
		return CLI_DETACHED;
	if (code == CURLE_OK || (code == CURLE_WRITE_ERROR && x->on_line != NULL))
		return CLI_OK;
	if (q->quiet)
		return CLI_UNREACHABLE;
	cli_say("error: unreachable: %s: %s", call->url,
	    x->error[0] != '\0' ? x->error : curl_easy_strerror(code));
	cli_say(x->to_stdout && *ret_status == 200
	            ? "  what was printed is a part only: throw it away, and try again"
	            : "  is the platform running, and are SOTALIA_URL and SOTALIA_CA right?");
	return CLI_UNREACHABLE;
}

/* ---- problems ---- */
static cli_exit exit_of(int status, const char *code)
{
	if (strcmp(code, "blocked") == 0 || strcmp(code, "limit") == 0)
		return CLI_BLOCKED;
	if (status == 422 && strcmp(code, "key_reused") != 0)
		return CLI_FAILED; /* an import with wrong lines */
	switch (status) {
	case 401:
	case 403:
		return CLI_DENIED;
	case 404:
		return CLI_NOT_FOUND;
	case 409:
	case 412:
	case 422:
		return CLI_CONFLICT;
	case 400:
		return CLI_USAGE;
	case 429:
	case 503:
	case 504:
		return CLI_UNREACHABLE;
	default:
		return CLI_FAILED;
	}
}

static const char *advice_of(int status, const char *code)
{
	if (status == 422 && strcmp(code, "key_reused") != 0)
		return "mend the lines and run it again: nothing was changed";
	switch (status) {
	case 401:
		return "set SOTALIA_TOKEN to a valid token";
	case 403:
		return "use a token whose role may do this";
	case 409:
		return "sotalia status, sotalia host list and sotalia operation list show what is in the "
		       "way";
	case 412:
		return "look at a new --dry-run, and take its etag";
	case 422:
		return "leave --idempotency-key out, or choose another";
	case 429:
	case 503:
		return "try again in a few seconds; a repeated call with the same --idempotency-key is "
		       "safe";
	default:
		return NULL;
	}
}

/* Of a field of the body, or of a line of an imported file. */
static void say_error(const json_t *error)
{
	const json_t *line = cli_at(error, "line");
	const char *column = cli_text_at(error, "column");
	if (json_is_integer(line))
		cli_say("  line %" JSON_INTEGER_FORMAT "%s%s: %s", json_integer_value(line),
		    column[0] != '\0' ? ", column " : "", column, cli_text_at(error, "detail"));
	else
		cli_say("  field %s: %s", cli_text_at(error, "pointer"), cli_text_at(error, "detail"));
}

static cli_exit explain(const cli_call *call, const cli_reply *reply)
{
	const char *code = cli_text_at(reply->json, "code");
	const json_t *errors = cli_at(reply->json, "errors");
	const char *advice = advice_of(reply->status, code);
	if (cli_is_data(call) && reply->json != NULL) {
		cli_write_data(call, reply->json, stderr);
		return exit_of(reply->status, code);
	}
	if (reply->json == NULL)
		cli_say(
		    "error: HTTP %d from %s, which does not look like Sotalia", reply->status, call->url);
	else
		cli_say("error: %s: %s", code, cli_text_at(reply->json, "detail"));
	for (size_t i = 0; i < json_array_size(errors); i++)
		say_error(json_array_get(errors, i));
	if (advice != NULL)
		cli_say("  try: %s", advice);
	if (cli_text_at(reply->json, "requestId")[0] != '\0')
		cli_say("  request: %s", cli_text_at(reply->json, "requestId"));
	return exit_of(reply->status, code);
}

static cli_exit conclude(const cli_call *call, cli_reply *reply, long status, bool quiet)
{
	reply->status = (int)status;
	if (reply->body.n > 0)
		reply->json = json_loadb(reply->body.p, reply->body.n, 0, NULL);
	if (status >= 200 && status < 300)
		return CLI_OK;
	return quiet ? exit_of(reply->status, cli_text_at(reply->json, "code")) : explain(call, reply);
}

/* Lines in Netscape's format: domain, subdomains, path, secure, expiry, name, value, by tabs. */
static void take_cookie(CURL *curl, char *dst, size_t size)
{
	struct curl_slist *cookies = NULL;
	sot_str rest, name = {0};
	if (curl_easy_getinfo(curl, CURLINFO_COOKIELIST, &cookies) != CURLE_OK || cookies == NULL)
		return;
	rest = sot_str_c(cookies->data);
	for (int field = 0; field < 6; field++)
		name = sot_str_cut(rest, '\t', &rest);
	(void)snprintf(dst, size, "%.*s=%.*s", SOT_ARG(name), SOT_ARG(rest));
	curl_slist_free_all(cookies);
}

cli_exit cli_send(const cli_call *call, const cli_request *request, cli_reply *reply)
{
	exchange x = {.reply = &reply->body, .to_stdout = request->to_stdout};
	long status = 0;
	cli_exit result;
	*reply = (cli_reply){0};
	sot_buf_init(&reply->body, BODY_MAX);
	result = perform(&x, call, request, &status);
	take_cookie(x.curl, reply->cookie, sizeof(reply->cookie));
	close_exchange(&x);
	return result == CLI_OK ? conclude(call, reply, status, request->quiet) : result;
}

cli_exit cli_explain(const cli_call *call, const cli_reply *reply)
{
	return explain(call, reply);
}

cli_exit cli_stream(const cli_call *call, const char *path, const char *last_event_id,
    bool (*on_line)(void *self, sot_str line), void *self)
{
	cli_reply reply = {0};
	exchange x = {.reply = &reply.body, .on_line = on_line, .self = self};
	cli_request q = {.method = "GET", .path = path};
	long status = 0;
	cli_exit result;
	sot_buf_init(&reply.body, BODY_MAX);
	if (last_event_id[0] != '\0')
		add_header(&x, "Last-Event-ID: ", last_event_id);
	result = perform(&x, call, &q, &status);
	close_exchange(&x);
	if (result == CLI_OK && status != 200)
		result = conclude(call, &reply, status, false);
	cli_reply_clear(&reply);
	return result;
}
