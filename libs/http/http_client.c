/* libcurl's multi interface in the reactor.
 *
 * Rules of libcurl that shape this file: the multi must not be called from its own callbacks, so a
 * send or a cancel inside on_data is carried out at the end of the turn; and `done` runs from a
 * deferred call of its own, with nothing of the client on the stack, so it may do anything.
 */
#include "http_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CALLS_MAX = 4096, POOLED_CONNECTIONS_MAX = 64 };

/* ---- the end of a call ---- */

/* Takes the handle away from libcurl. Not while libcurl is on the stack. */
static void release_handle(http_call *call)
{
	assert(!call->c->in_curl);
	if (call->attached) {
		call->c->in_curl = true; /* removing may call the socket callback */
		curl_multi_remove_handle(call->c->multi, call->easy);
		call->c->in_curl = false;
	}
	call->attached = false;
	if (call->easy)
		curl_easy_cleanup(call->easy);
	call->easy = NULL;
	curl_slist_free_all(call->headers);
	call->headers = NULL;
}

static void call_free(http_call *call)
{
	reactor_undefer(call->c->r, call);
	release_handle(call);
	sot_list_remove(&call->link);
	call->c->open--;
	sot_metric_set(call->c->open_gauge, (int64_t)call->c->open);
	sot_buf_clear(&call->body);
	free(call);
}

static void free_deferred(void *self)
{
	call_free(self);
}

static void report(void *self)
{
	http_call *call = self;
	http_done_fn done = call->done;
	void *done_self = call->self;
	sot_buf body = call->body; /* the call ends before `done`, which may free the client */
	call->body = (sot_buf){.p = NULL};
	sot_err why = call->why;
	const http_reply reply = {
	    .code = call->code,
	    .why = call->code == SOT_OK ? NULL : &why,
	    .status = call->status,
	    .body = sot_buf_str(&body),
	    .total_ms = call->total_ms,
	};
	sot_metric_add(call->c->failed, call->code != SOT_OK);
	sot_metric_observe_ms(call->c->duration, (int64_t)call->total_ms);
	call_free(call);
	done(done_self, &reply);
	sot_buf_clear(&body);
}

static void collect_finished(http_client *c)
{
	int left;
	for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL;) {
		if (m->msg != CURLMSG_DONE)
			continue;
		char *owner = NULL;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &owner);
		http_call *call = (void *)owner;
		if (call->cancelled)
			continue;                             /* its end is deferred already */
		http_call_conclude(call, m->data.result); /* m dies with the handle */
		release_handle(call);
		reactor_defer(c->r, report, call);
	}
}

/* ---- libcurl and the loop ---- */

static void act(http_client *c, curl_socket_t fd, int flags)
{
	int running;
	c->in_curl = true;
	curl_multi_socket_action(c->multi, fd, flags, &running);
	c->in_curl = false;
	collect_finished(c);
}

static void on_fd(void *self, int fd, int events)
{
	int flags = ((events & REACTOR_READ) ? CURL_CSELECT_IN : 0) |
	            ((events & REACTOR_WRITE) ? CURL_CSELECT_OUT : 0) |
	            ((events & REACTOR_ERROR) ? CURL_CSELECT_ERR : 0);
	act(self, fd, flags);
}

static void on_timer(void *self, uint64_t missed)
{
	(void)missed;
	act(self, CURL_SOCKET_TIMEOUT, 0);
}

static int on_curl_timer(CURLM *multi, long timeout_ms, void *self)
{
	(void)multi;
	http_client *c = self;
	reactor_rearm_ms(c->timer, timeout_ms);
	return 0;
}

static int on_curl_socket(CURL *easy, curl_socket_t fd, int what, void *self, void *watch_of_fd)
{
	(void)easy;
	http_client *c = self;
	reactor_watch *w = watch_of_fd;
	if (what == CURL_POLL_REMOVE) {
		reactor_remove(w);
		curl_multi_assign(c->multi, fd, NULL);
		return 0;
	}
	int events =
	    ((what & CURL_POLL_IN) ? REACTOR_READ : 0) | ((what & CURL_POLL_OUT) ? REACTOR_WRITE : 0);
	if (w)
		reactor_want(w, events);
	else
		curl_multi_assign(c->multi, fd, reactor_add_fd(c->r, fd, events, on_fd, c));
	return 0;
}

/* ---- calls ---- */

static void start_call(void *self)
{
	http_call *call = self;
	http_client *c = call->c;
	c->in_curl = true;
	CURLMcode status = curl_multi_add_handle(c->multi, call->easy);
	c->in_curl = false;
	call->attached = status == CURLM_OK;
	if (call->attached)
		return;
	call->code = sot_fail(
	    &call->why, SOT_INTERNAL, "cannot start a request: %s", curl_multi_strerror(status));
	reactor_defer(c->r, report, call);
}

sot_code http_client_send(http_client *c, const http_request *q, http_done_fn done, void *self,
    http_call **ret, sot_err *err)
{
	if (c->open >= CALLS_MAX)
		return sot_fail(err, SOT_LIMIT, "%d HTTP requests are open already", CALLS_MAX);
	http_call *call = sot_alloc(sizeof(*call));
	call->c = c;
	call->done = done;
	call->self = self;
	call->on_data = q->on_data;
	call->output_fd = q->output_fd;
	call->netns_fd = q->netns_fd;
	call->body_max = q->body_max;
	sot_buf_init(&call->body, q->body_max);
	sot_list_push(&c->calls, &call->link);
	c->open++;
	sot_code code = http_call_prepare(call, q, err);
	if (code != SOT_OK) {
		if (c->in_curl) { /* never attached, but call_free insists on a quiet libcurl */
			call->cancelled = true;
			reactor_defer(c->r, free_deferred, call);
		} else {
			call_free(call);
		}
		return code;
	}
	sot_metric_set(c->open_gauge, (int64_t)c->open);
	if (c->in_curl)
		reactor_defer(c->r, start_call, call);
	else
		start_call(call);
	if (ret)
		*ret = call;
	return SOT_OK;
}

void http_call_cancel(http_call *call)
{
	call->cancelled = true;
	if (!call->c->in_curl) {
		call_free(call);
		return;
	}
	reactor_undefer(call->c->r, call); /* a start that has not happened, or a report */
	reactor_defer(call->c->r, free_deferred, call);
}

/* ---- life ---- */

static void set_metrics(http_client *c)
{
	c->open_gauge = sot_gauge("sot_http_open_requests", NULL, "HTTP requests under way.");
	c->failed = sot_counter("sot_http_failed_total", NULL, "HTTP requests without a full reply.");
	c->duration = sot_histogram_ms("sot_http_request_ms", NULL, "From request to full reply.");
}

sot_code http_client_new(reactor *r, http_client **ret, sot_err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return sot_fail(err, SOT_INTERNAL, "libcurl cannot be initialised");
	int home_netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	CURLM *multi = curl_multi_init();
	if (home_netns_fd < 0 || !multi) {
		sot_code code = sot_fail_errno(err, SOT_UNAVAILABLE, errno, "cannot make an HTTP client");
		if (home_netns_fd >= 0)
			close(home_netns_fd);
		curl_multi_cleanup(multi);
		curl_global_cleanup();
		return code;
	}
	http_client *c = sot_alloc(sizeof(*c));
	c->r = r;
	c->multi = multi;
	c->home_netns_fd = home_netns_fd;
	sot_list_init(&c->calls);
	set_metrics(c);
	c->timer = reactor_after_ms(r, -1, on_timer, c);
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_curl_socket);
	curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, c);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_curl_timer);
	curl_multi_setopt(multi, CURLMOPT_TIMERDATA, c);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)POOLED_CONNECTIONS_MAX);
	*ret = c;
	return SOT_OK;
}

http_client *http_client_free(http_client *c)
{
	if (!c)
		return NULL;
	assert(!c->in_curl);
	while (!sot_list_empty(&c->calls))
		call_free(SOT_CONTAINER(c->calls.next, http_call, link));
	c->in_curl = true; /* closing pooled connections calls the socket callback */
	curl_multi_cleanup(c->multi);
	reactor_remove(c->timer);
	close(c->home_netns_fd);
	curl_global_cleanup();
	free(c);
	return NULL;
}
