#include "shell/router_poll.h"

#include "shell/platform_clock.h"
#include "shell/trouble.h"
#include "sot_failpoint.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>

#define URL_MAX 512
#define URLS_MAX 8
#define ANSWER_MAX (64u * 1024u)
#define DEADLINE_MS 2000

struct router_poll {
	reactor *loop;
	http_client *client;
	reactor_watch *timer;
	char urls[URLS_MAX][URL_MAX]; /* whole questions */
	size_t count, asking;
	bool is_asking;
	router_answer_fn on_answer;
	void *self;
};

static void ask(router_poll *p, size_t from);

static void on_reply(void *self, const http_reply *reply)
{
	router_poll *p = self;
	cat_router_answer answer;
	sot_err err;
	sot_code code = reply->code;
	p->is_asking = false;
	if (code != SOT_OK) {
		err = *reply->why;
	} else if (reply->status != 200) {
		code = sot_fail(&err, SOT_UNAVAILABLE, "status %d", reply->status);
	} else {
		code = cat_router_parse(reply->body, &answer, &err);
	}
	if (code == SOT_OK) {
		p->on_answer(p->self, &answer);
		return;
	}
	sot_log_err(SOT_WARN, "router.no_answer", &err, "url=%s", p->urls[p->asking]);
	trouble_note(platform_wall(p->loop), "router %s: %s", p->urls[p->asking], err.text);
	ask(p, p->asking + 1);
}

static sot_code send_question(router_poll *p, sot_err *err)
{
	SOT_FAILPOINT("bridge.router.before_ask", err);
	const http_request q = {.method = "GET",
	    .url = p->urls[p->asking],
	    .deadline_ms = DEADLINE_MS,
	    .connect_deadline_ms = DEADLINE_MS / 2,
	    .body_max = ANSWER_MAX,
	    .output_fd = -1,
	    .netns_fd = -1};
	return http_client_send(p->client, &q, on_reply, p, NULL, err);
}

/* The next that takes the question; when none does, the next round tries again. */
static void ask(router_poll *p, size_t from)
{
	sot_err err;
	for (p->asking = from; p->asking < p->count; p->asking++) {
		if (send_question(p, &err) == SOT_OK) {
			p->is_asking = true;
			return;
		}
		sot_log_err(SOT_WARN, "router.not_asked", &err, "url=%s", p->urls[p->asking]);
	}
}

static void on_timer(void *self, uint64_t missed)
{
	router_poll *p = self;
	(void)missed;
	if (!p->is_asking)
		ask(p, 0);
}

static sot_code add_url(router_poll *p, sot_str url, const router_poll_options *o, sot_err *err)
{
	char ip[16];
	if (!sot_str_starts(url, "http://") && !sot_str_starts(url, "https://"))
		return sot_fail(err, SOT_INVALID,
		    "cat_router: \"%.*s\" is not a URL such as http://10.0.0.1:8080", SOT_ARG(url));
	if (p->count == URLS_MAX)
		return sot_fail(err, SOT_LIMIT, "cat_router: more than %d URLs", URLS_MAX);
	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	int n = snprintf(p->urls[p->count], URL_MAX,
	    "%.*s/cat/s/router?op=json&domain=%s&ip=%s&hostname=%s", SOT_ARG(url), o->domain,
	    sot_format_ipv4(o->address, ip), o->host_name);
	if (n < 0 || n >= URL_MAX)
		return sot_fail(err, SOT_LIMIT, "cat_router: a URL is too long");
	p->count++;
	return SOT_OK;
}

sot_code router_poll_new(reactor *r, http_client *client, const router_poll_options *options,
    router_answer_fn on_answer, void *self, router_poll **ret, sot_err *err)
{
	SOT_AUTO(router_poll) p = sot_alloc(sizeof(*p));
	p->loop = r;
	p->client = client;
	p->on_answer = on_answer;
	p->self = self;
	sot_str rest = sot_str_c(options->urls);
	sot_code code = SOT_OK;
	while (code == SOT_OK && rest.n > 0) {
		sot_str url = sot_str_cut(rest, ',', &rest);
		if (url.n > 0)
			code = add_url(p, url, options, err);
	}
	if (code != SOT_OK)
		return code;
	if (p->count > 0) {
		p->timer = reactor_every_ms(r, options->interval_ms, on_timer, p);
		ask(p, 0);
	}
	*ret = SOT_TAKE(p);
	return SOT_OK;
}

router_poll *router_poll_free(router_poll *p)
{
	if (!p)
		return NULL;
	reactor_remove(p->timer);
	free(p);
	return NULL;
}
