/* One request: its options, where its body goes, in which network namespace its socket is made. */
#include "http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECT_DEADLINE_MS = 2000 };

/* ---- the body of the reply ---- */

static bool write_all(http_call *call, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t written = write(call->output_fd, p, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0) {
			sot_fail_errno(&call->failure, SOT_UNAVAILABLE, errno, "cannot keep the reply");
			return false;
		}
		p += written;
		n -= (size_t)written;
	}
	return true;
}

static bool is_too_much(const http_call *call, size_t n)
{
	if (call->on_data && call->body_max == 0)
		return false;
	return n > call->body_max - call->received; /* received never passes body_max */
}

static size_t on_body(char *p, size_t size, size_t count, void *self)
{
	http_call *call = self;
	size_t n = size * count;
	if (call->cancelled)
		return CURL_WRITEFUNC_ERROR;
	if (is_too_much(call, n)) {
		sot_fail(&call->failure, SOT_LIMIT, "the reply is larger than %zu bytes", call->body_max);
		return CURL_WRITEFUNC_ERROR;
	}
	call->received += n;
	if (call->on_data) {
		call->on_data(call->self, (sot_str){p, n});
		return call->cancelled ? CURL_WRITEFUNC_ERROR : n;
	}
	if (call->output_fd >= 0)
		return write_all(call, p, n) ? n : CURL_WRITEFUNC_ERROR;
	sot_buf_add(&call->body, p, n);
	return n;
}

/* ---- sockets ---- */

static void enter_netns(int fd)
{
	if (setns(fd, CLONE_NEWNET) == 0)
		return;
	/* Every further socket of this process would be made in the wrong network. */
	fprintf(stderr, "http: cannot return to the own network namespace: %s\n", strerror(errno));
	abort();
}

static curl_socket_t on_open_socket(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)purpose;
	http_call *call = self;
	bool away = call->netns_fd >= 0;
	if (away && setns(call->netns_fd, CLONE_NEWNET) != 0) {
		sot_fail_errno(&call->failure, SOT_UNAVAILABLE, errno, "cannot enter a network namespace");
		return CURL_SOCKET_BAD;
	}
	int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
	if (fd < 0)
		sot_fail_errno(&call->failure, SOT_UNAVAILABLE, errno, "cannot make a socket");
	if (away)
		enter_netns(call->c->home_netns_fd);
	return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/* ---- options ---- */

static bool has_header(const char *const *headers, const char *name)
{
	size_t n = strlen(name);
	for (; headers && *headers; headers++)
		if (strncasecmp(*headers, name, n) == 0 && (*headers)[n] == ':')
			return true;
	return false;
}

static bool add_header(http_call *call, const char *line)
{
	struct curl_slist *longer = curl_slist_append(call->headers, line);
	if (!longer)
		return false;
	call->headers = longer;
	return true;
}

static bool set_headers(http_call *call, const http_request *q)
{
	bool ok = add_header(call, "Expect:"); /* no waiting for 100 Continue */
	if (!has_header(q->headers, "Content-Type"))
		ok = ok && add_header(call, "Content-Type:"); /* libcurl would say it is a form */
	for (const char *const *h = q->headers; h && *h; h++)
		ok = ok && !strpbrk(*h, "\r\n") && add_header(call, *h);
	return ok && curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK;
}

static long clamp_ms(int64_t ms)
{
	return ms > INT_MAX ? INT_MAX : (long)ms;
}

#define SET(option, value) (ok = ok && curl_easy_setopt(e, option, value) == CURLE_OK)

static bool set_limits(http_call *call, const http_request *q)
{
	CURL *e = call->easy;
	bool ok = true;
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_TIMEOUT_MS, clamp_ms(q->deadline_ms));
	SET(CURLOPT_CONNECTTIMEOUT_MS,
	    clamp_ms(q->connect_deadline_ms > 0 ? q->connect_deadline_ms : CONNECT_DEADLINE_MS));
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	if (q->body_max > 0)
		SET(CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)q->body_max);
	if (q->netns_fd >= 0) { /* a pooled connection may lead into another network */
		SET(CURLOPT_FRESH_CONNECT, 1L);
		SET(CURLOPT_FORBID_REUSE, 1L);
	}
	return ok;
}

static bool set_request(http_call *call, const http_request *q)
{
	CURL *e = call->easy;
	bool ok = true;
	SET(CURLOPT_URL, q->url);
	SET(CURLOPT_USERAGENT, "sotalia/" SOT_VERSION);
	if (q->unix_socket)
		SET(CURLOPT_UNIX_SOCKET_PATH, q->unix_socket);
	if (q->ca_file)
		SET(CURLOPT_CAINFO, q->ca_file);
	if (strcmp(q->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (q->body.n > 0 || strcmp(q->method, "GET") != 0) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.n);
		SET(CURLOPT_COPYPOSTFIELDS, q->body.n > 0 ? q->body.p : "");
	}
	SET(CURLOPT_CUSTOMREQUEST, q->method);
	return ok;
}

static bool set_callbacks(http_call *call)
{
	CURL *e = call->easy;
	bool ok = true;
	SET(CURLOPT_PRIVATE, call);
	SET(CURLOPT_ERRORBUFFER, call->curl_text);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, call);
	SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
	SET(CURLOPT_OPENSOCKETDATA, call);
	return ok;
}

sot_code http_call_prepare(http_call *call, const http_request *q, sot_err *err)
{
	if (!q->method || !*q->method || !q->url || q->deadline_ms <= 0)
		return sot_fail(err, SOT_INVALID, "a request needs a method, a URL and a deadline");
	call->easy = curl_easy_init();
	if (!call->easy)
		return sot_fail(err, SOT_UNAVAILABLE, "cannot make an HTTP request handle");
	if (!set_limits(call, q) || !set_request(call, q) || !set_callbacks(call) ||
	    !set_headers(call, q))
		return sot_fail(
		    err, SOT_INVALID, "%s %s: libcurl refuses these options or headers", q->method, q->url);
	return SOT_OK;
}

/* ---- the outcome ---- */

static sot_code code_of(CURLcode outcome)
{
	switch (outcome) {
	case CURLE_OK:
		return SOT_OK;
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return SOT_INVALID;
	case CURLE_FILESIZE_EXCEEDED:
		return SOT_LIMIT;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
		return SOT_DENIED;
	default:
		return SOT_UNAVAILABLE;
	}
}

void http_call_conclude(http_call *call, CURLcode outcome)
{
	long status = 0;
	double seconds = 0;
	const char *url = NULL;
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME, &seconds);
	curl_easy_getinfo(call->easy, CURLINFO_EFFECTIVE_URL, &url);
	call->status = (int)status;
	call->total_ms = seconds * 1000;
	call->code = code_of(outcome);
	if (outcome != CURLE_OK && call->failure.code != SOT_OK) {
		call->code = call->failure.code; /* ours is nearer to the cause than libcurl's */
		call->why = call->failure;
		sot_wrap(&call->why, "%s", url ? url : "");
	} else if (outcome != CURLE_OK) {
		const char *text = *call->curl_text ? call->curl_text : curl_easy_strerror(outcome);
		sot_fail(&call->why, call->code, "%s: %s", url ? url : "", text);
	}
}
