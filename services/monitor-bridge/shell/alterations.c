#include "shell/alterations.h"

#include "shell/platform_clock.h"
#include "shell/trouble.h"
#include "sot_log.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define DEADLINE_MS 5000
#define URLS_MAX 8
#define QUERY_MAX 4096
#define OPEN_MAX 32

/* One alteration on its way. */
typedef struct telling {
	alterations *of;
	bool in_use;
	size_t at; /* the server that is asked */
	sot_buf query;
} telling;

struct alterations {
	reactor *loop;
	http_client *client;
	char urls[URLS_MAX][512]; /* up to the path */
	size_t count;
	char host_name[64];
	uint32_t address;
	int64_t zone_minutes;
	telling open[OPEN_MAX];
	alterations_stats stats;
};

static void put_escaped(sot_buf *out, sot_str s)
{
	static const char hex[] = "0123456789ABCDEF";
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		             c == '-' || c == '_' || c == '.';
		if (plain) {
			sot_buf_add_char(out, (char)c);
		} else {
			sot_buf_add_char(out, '%');
			sot_buf_add_char(out, hex[c >> 4]);
			sot_buf_add_char(out, hex[c & 15]);
		}
	}
}

static void put_pair(sot_buf *out, const char *key, sot_str value)
{
	sot_buf_add_char(out, '&');
	sot_buf_add_c(out, key);
	sot_buf_add_char(out, '=');
	put_escaped(out, value);
}

static void put_date(sot_buf *out, int64_t unix_ms, int64_t zone_minutes)
{
	char text[32];
	struct tm parts;
	time_t seconds = (time_t)(unix_ms / 1000 + zone_minutes * 60);
	if (gmtime_r(&seconds, &parts) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &parts) > 0)
		put_pair(out, "alterationDate", sot_str_c(text));
}

static void end(telling *t, bool sent)
{
	alterations *a = t->of;
	a->stats.sent += sent;
	a->stats.dropped += !sent;
	sot_buf_clear(&t->query);
	t->in_use = false;
}

static void ask(telling *t);

static void on_reply(void *self, const http_reply *reply)
{
	telling *t = self;
	if (reply->code == SOT_OK && reply->status == 200) {
		end(t, true);
		return;
	}
	sot_log(SOT_WARN, "alteration.refused", "url=%s status=%d why=\"%s\"", t->of->urls[t->at],
	    reply->status, reply->code == SOT_OK ? "" : reply->why->text);
	trouble_note(platform_wall(t->of->loop), "alteration refused by %s, status %d",
	    t->of->urls[t->at], reply->status);
	t->at++;
	ask(t);
}

static sot_code send_one(telling *t, sot_err *err)
{
	char url[QUERY_MAX + 512];
	(void)snprintf(url, sizeof(url), "%s%s", t->of->urls[t->at], t->query.p);
	const http_request q = {.method = "GET",
	    .url = url,
	    .deadline_ms = DEADLINE_MS,
	    .connect_deadline_ms = DEADLINE_MS / 2,
	    .body_max = 65536,
	    .output_fd = -1,
	    .netns_fd = -1};
	return http_client_send(t->of->client, &q, on_reply, t, NULL, err);
}

static void ask(telling *t)
{
	sot_err err;
	for (; t->at < t->of->count; t->at++) {
		if (send_one(t, &err) == SOT_OK)
			return;
		sot_log_err(SOT_WARN, "alteration.not_sent", &err, "url=%s", t->of->urls[t->at]);
	}
	end(t, false);
}

/* Without `url` CAT 3.1.0 answers with status 500; the type must not be "puppet". */
static void fill_query(const alterations *a, const monitor_deploy *d, sot_buf *out)
{
	char ip[16], title[160];
	(void)snprintf(
	    title, sizeof(title), "deploy %.*s %.*s", SOT_ARG(d->version), SOT_ARG(d->state));
	sot_buf_add_c(out, "/cat/r/alteration?op=insert&type=deploy");
	put_pair(out, "title", sot_str_c(title));
	put_pair(out, "domain", d->app);
	put_pair(out, "hostname", sot_str_c(a->host_name));
	put_pair(out, "ip", sot_str_c(sot_format_ipv4(a->address, ip)));
	put_date(out, d->at_unix_ms, a->zone_minutes);
	put_pair(out, "user", d->actor);
	put_pair(out, "content", d->operation);
	put_pair(out, "url", SOT_STR("/v1/operations"));
}

void alterations_tell(alterations *a, const monitor_deploy *deploy)
{
	size_t i = 0;
	while (i < OPEN_MAX && a->open[i].in_use)
		i++;
	if (i == OPEN_MAX) {
		a->stats.dropped++;
		return;
	}
	telling *t = &a->open[i];
	*t = (telling){.of = a, .in_use = true};
	sot_buf_init(&t->query, QUERY_MAX);
	fill_query(a, deploy, &t->query);
	if (sot_buf_failed(&t->query)) {
		end(t, false);
		return;
	}
	ask(t);
}

static sot_code add_url(alterations *a, sot_str url, sot_err *err)
{
	if (a->count == URLS_MAX)
		return sot_fail(err, SOT_LIMIT, "more than %d web servers of CAT", URLS_MAX);
	while (url.n > 0 && url.p[url.n - 1] == '/')
		url.n--;
	return sot_str_copy(url, a->urls[a->count++], sizeof(a->urls[0]), err);
}

sot_code alterations_new(reactor *r, http_client *client, const char *urls, const char *host_name,
    uint32_t address, int64_t zone_minutes, alterations **ret, sot_err *err)
{
	*ret = NULL;
	if (!urls[0])
		return SOT_OK;
	SOT_AUTO(alterations) a = sot_alloc(sizeof(*a));
	a->loop = r;
	a->client = client;
	a->address = address;
	a->zone_minutes = zone_minutes;
	(void)snprintf(a->host_name, sizeof(a->host_name), "%s", host_name);
	sot_str rest = sot_str_c(urls);
	sot_code code = SOT_OK;
	while (code == SOT_OK && rest.n > 0) {
		sot_str url = sot_str_cut(rest, ',', &rest);
		if (url.n > 0)
			code = add_url(a, url, err);
	}
	if (code == SOT_OK)
		*ret = SOT_TAKE(a);
	return code;
}

alterations *alterations_free(alterations *a)
{
	if (!a)
		return NULL;
	for (size_t i = 0; i < OPEN_MAX; i++) {
		if (a->open[i].in_use)
			sot_buf_clear(&a->open[i].query);
	}
	free(a);
	return NULL;
}

alterations_stats alterations_get_stats(const alterations *a)
{
	return a ? a->stats : (alterations_stats){0, 0};
}
