#include "exec_channel.h"

#include "sot_time.h"
#include "websocket.h"

#include <curl/curl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEAD_MAX = 16 * 1024, HEAD_MS = 15000, REQUEST_MAX = 64 * 1024 };

struct exec_channel {
	CURL *curl;
	char error[CURL_ERROR_SIZE];
	websocket *ws;
	sot_buf early; /* read together with the answer's head */
	exec_channel_fn on_frame;
	void *self;
	sot_mono heard;
	bool bad_frame;
};

/* ---- bytes ---- */

static ssize_t read_some(void *self, void *dst, size_t n)
{
	exec_channel *c = self;
	size_t got = 0;
	if (c->early.n > 0) {
		n = n < c->early.n ? n : c->early.n;
		memcpy(dst, c->early.p, n);
		sot_buf_consume(&c->early, n);
		return (ssize_t)n;
	}
	CURLcode code = curl_easy_recv(c->curl, dst, n, &got);
	return code == CURLE_AGAIN ? 0 : code == CURLE_OK && got > 0 ? (ssize_t)got : -1;
}

static ssize_t write_some(void *self, const void *src, size_t n)
{
	exec_channel *c = self;
	size_t sent = 0;
	CURLcode code = curl_easy_send(c->curl, src, n, &sent);
	return code == CURLE_AGAIN ? 0 : code == CURLE_OK ? (ssize_t)sent : -1;
}

static bool wait_for(const exec_channel *c, short events)
{
	struct pollfd one = {.fd = exec_channel_fd(c), .events = events};
	return poll(&one, 1, HEAD_MS) == 1;
}

static bool write_all(exec_channel *c, const sot_buf *text)
{
	size_t at = 0;
	while (at < text->n) {
		ssize_t sent = write_some(c, text->p + at, text->n - at);
		if (sent < 0 || (sent == 0 && !wait_for(c, POLLOUT)))
			return false;
		at += (size_t)sent;
	}
	return true;
}

/* The answer's head up to its blank line; what came behind it is kept. */
static bool read_head(exec_channel *c, sot_buf *ret)
{
	char piece[2048];
	for (;;) {
		ssize_t n = read_some(c, piece, sizeof(piece));
		if (n < 0 || (n == 0 && !wait_for(c, POLLIN)))
			return false;
		sot_buf_add(ret, piece, (size_t)n);
		const char *end = ret->n > 0 ? memmem(ret->p, ret->n, "\r\n\r\n", 4) : NULL;
		if (sot_buf_failed(ret))
			return false;
		if (end == NULL)
			continue;
		size_t head = (size_t)(end - ret->p) + 4;
		sot_buf_add(&c->early, ret->p + head, ret->n - head);
		ret->n = head;
		return true;
	}
}

/* ---- the handshake ---- */

static void add_request(const cli_call *call, const char *path, const char *key, sot_buf *out)
{
	char *host = NULL, *port = NULL, *prefix = NULL;
	CURLU *url = curl_url();
	if (url != NULL && curl_url_set(url, CURLUPART_URL, call->url, 0) == CURLUE_OK) {
		(void)curl_url_get(url, CURLUPART_HOST, &host, 0);
		(void)curl_url_get(url, CURLUPART_PORT, &port, 0);
		(void)curl_url_get(url, CURLUPART_PATH, &prefix, 0);
	}
	sot_buf_printf(out, "GET %s%s HTTP/1.1\r\nHost: %s%s%s\r\n",
	    prefix != NULL && strcmp(prefix, "/") != 0 ? prefix : "", path, host != NULL ? host : "",
	    port != NULL ? ":" : "", port != NULL ? port : "");
	if (call->token != NULL)
		sot_buf_printf(out, "Authorization: Bearer %s\r\n", call->token);
	sot_buf_printf(out,
	    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Protocol: sotalia.exec\r\n\r\n",
	    key);
	curl_free(host);
	curl_free(port);
	curl_free(prefix);
	curl_url_cleanup(url);
}

static bool is_switched(sot_str head, const char *key)
{
	char accept[WEBSOCKET_ACCEPT_TEXT];
	static const char name[] = "sec-websocket-accept:";
	if (!sot_str_starts(head, "HTTP/1.1 101") || !websocket_accept(sot_str_c(key), accept))
		return false;
	while (head.n > 0) {
		sot_str line = sot_str_cut(head, '\n', &head);
		if (line.n < sizeof(name) || strncasecmp(line.p, name, sizeof(name) - 1) != 0)
			continue;
		const char *value = memmem(line.p, line.n, accept, strlen(accept));
		return value != NULL;
	}
	return false;
}

/* The same request as a plain one: its answer says why not, in the words of all commands. */
static cli_exit explain(const cli_call *call, const char *path)
{
	cli_reply reply = {0};
	cli_request q = {.method = "GET", .path = path};
	cli_exit result = cli_send(call, &q, &reply);
	if (reply.status == 426)
		cli_say("  a proxy between here and %s does not pass WebSockets on", call->url);
	cli_reply_clear(&reply);
	return result == CLI_OK ? CLI_FAILED : result;
}

static CURLcode dial(exec_channel *c, const cli_call *call)
{
	c->curl = curl_easy_init();
	(void)curl_easy_setopt(c->curl, CURLOPT_URL, call->url);
	(void)curl_easy_setopt(c->curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(c->curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(c->curl, CURLOPT_CONNECT_ONLY, 1L);
	(void)curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	(void)curl_easy_setopt(c->curl, CURLOPT_TCP_KEEPALIVE, 1L);
	(void)curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(c->curl, CURLOPT_ERRORBUFFER, c->error);
	if (call->ca_file != NULL)
		(void)curl_easy_setopt(c->curl, CURLOPT_CAINFO, call->ca_file);
	return curl_easy_perform(c->curl);
}

/* ---- the channel ---- */

static void on_message(void *self, sot_str message)
{
	exec_channel *c = self;
	exec_frame f;
	if (exec_frame_parse(message.p, message.n, &f))
		c->on_frame(c->self, &f);
	else
		c->bad_frame = true;
}

static cli_exit open_channel(exec_channel *c, const cli_call *call, const char *path, bool quiet)
{
	static const websocket_events events = {
	    .read = read_some, .write = write_some, .on_message = on_message};
	char key[WEBSOCKET_KEY_TEXT];
	SOT_AUTO_BUF request, head;
	sot_buf_init(&request, REQUEST_MAX);
	sot_buf_init(&head, HEAD_MAX);
	websocket_make_key(key);
	add_request(call, path, key, &request);
	if (dial(c, call) != CURLE_OK) {
		if (!quiet)
			cli_say("error: unreachable: %s: %s", call->url, c->error);
		return CLI_UNREACHABLE;
	}
	bool answered = write_all(c, &request) && read_head(c, &head);
	if (!answered || !is_switched(sot_buf_str(&head), key))
		return quiet ? CLI_FAILED : explain(call, path);
	c->ws = websocket_new(false, EXEC_FRAME_MAX, &events, c);
	c->heard = sot_mono_now();
	return CLI_OK;
}

cli_exit exec_channel_open(const cli_call *call, const char *path, bool quiet,
    exec_channel_fn on_frame, void *self, exec_channel **ret)
{
	exec_channel *c = sot_alloc(sizeof(*c));
	c->on_frame = on_frame;
	c->self = self;
	sot_buf_init(&c->early, HEAD_MAX + 4096);
	cli_exit result = open_channel(c, call, path, quiet);
	if (result == CLI_OK)
		*ret = c;
	else
		exec_channel_free(c);
	return result;
}

int exec_channel_fd(const exec_channel *c)
{
	curl_socket_t fd = CURL_SOCKET_BAD;
	(void)curl_easy_getinfo(c->curl, CURLINFO_ACTIVESOCKET, &fd);
	return (int)fd;
}

bool exec_channel_wants_write(const exec_channel *c)
{
	return websocket_queued(c->ws) > 0;
}

/* Until nothing is left: TLS may hold bytes that the socket does not show. */
bool exec_channel_receive(exec_channel *c)
{
	bool more = true, lives = true;
	while (more && lives)
		lives = websocket_receive(c->ws, &more) && !c->bad_frame;
	if (websocket_heard(c->ws))
		c->heard = sot_mono_now();
	return lives;
}

bool exec_channel_send(exec_channel *c, const exec_frame *f)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	size_t n = exec_frame_write(f, bytes);
	return n > 0 && websocket_send(c->ws, bytes, n) && websocket_flush(c->ws);
}

bool exec_channel_flush(exec_channel *c)
{
	return websocket_flush(c->ws);
}

int64_t exec_channel_silent_ms(const exec_channel *c)
{
	return sot_mono_diff_ms(sot_mono_now(), c->heard);
}

exec_channel *exec_channel_free(exec_channel *c)
{
	if (c != NULL) {
		(void)websocket_free(c->ws);
		curl_easy_cleanup(c->curl);
		sot_buf_clear(&c->early);
		free(c);
	}
	return NULL;
}
