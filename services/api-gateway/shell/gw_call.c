/* One API call: request id, authentication, route, body, handler, answer. */
#include "gateway.h"

#include "gw_text.h"
#include "gw_uploads.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

const gw_call_fn gw_handlers[GW_ROUTE_COUNT] = {
#define ROUTE(handler, method, pattern, role, scope, flags) serve_##handler,
#include "routes.def"
#undef ROUTE
};

void call_random_hex(char *dst, size_t bytes)
{
	uint8_t raw[64];
	sot_rand_bytes(raw, bytes);
	sot_hex_encode(raw, bytes, dst);
	gnutls_memset(raw, 0, sizeof(raw));
}

void call_sha256(sot_str text, uint8_t ret[GW_SHA256_N])
{
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text.p != NULL ? text.p : "", text.n, ret) != 0)
		abort(); /* GnuTLS without SHA-256: nothing here could be trusted */
}

/* ---- answers ---- */
static void add_common_headers(gw_call *c, gw_reply *reply)
{
	gw_reply_header(reply, "X-Request-Id", c->request_id);
	gw_reply_header(reply, "X-Content-Type-Options", "nosniff");
	gw_reply_header(reply, "Referrer-Policy", "no-referrer");
	if (c->g->config->tls_cert[0] != '\0')
		gw_reply_header(reply, "Strict-Transport-Security", "max-age=31536000");
}

void call_reply(gw_call *c, gw_reply **reply_p)
{
	add_common_headers(c, *reply_p);
	gw_reply_send(c->http, reply_p);
}

static void count_answer(gw_call *c, int status)
{
	sot_metric_add(c->g->answers[status / 100 < 6 ? status / 100 : 5], 1);
}

void call_json(gw_call *c, int status, sot_str body)
{
	call_json_with(c, status, body, NULL, NULL);
}

void call_json_with(gw_call *c, int status, sot_str body, const char *header, const char *value)
{
	gw_reply *reply = gw_reply_bytes(status, "application/json", body);
	gw_reply_header(reply, "Cache-Control", "no-store");
	if (header != NULL)
		gw_reply_header(reply, header, value);
	count_answer(c, status);
	if (!gw_kept_takes(c, status, body, &reply))
		call_reply(c, &reply);
}

void call_problem_full(gw_call *c, const gw_problem *problem)
{
	gw_problem p = *problem;
	gw_reply *reply;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4u * 1024 * 1024); /* an import may name a thousand wrong lines */
	p.request_id = sot_str_c(c->request_id);
	gw_problem_render(&p, &text);
	reply = gw_reply_bytes(p.status, "application/problem+json", sot_buf_str(&text));
	gw_reply_header(reply, "Cache-Control", "no-store");
	if (p.status == 401)
		gw_reply_header(reply, "WWW-Authenticate", "Bearer realm=\"sotalia\"");
	if (p.status == 405)
		gw_reply_header(reply, "Allow", c->match.allow);
	if (p.retry_after_s > 0) {
		char seconds[16];
		(void)snprintf(seconds, sizeof(seconds), "%d", p.retry_after_s);
		gw_reply_header(reply, "Retry-After", seconds);
	}
	if (p.status >= 500)
		sot_log(SOT_WARN, "http.failed", "request_id=%s status=%d detail=\"%.*s\"", c->request_id,
		    p.status, SOT_ARG(p.detail));
	count_answer(c, p.status);
	if (!gw_kept_takes(c, p.status, (sot_str){0}, &reply))
		call_reply(c, &reply);
}

void call_problem(gw_call *c, int status, const char *code, const char *fmt, ...)
{
	char detail[512];
	va_list args;
	gw_problem p = {.status = status, .code = code};
	va_start(args, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, args);
	va_end(args);
	p.detail = sot_str_c(detail);
	p.retry_after_s = status == 503 || status == 429 ? 2 : 0;
	call_problem_full(c, &p);
}

void call_fail(gw_call *c, const sot_err *err)
{
	call_problem(c, gw_problem_status(err->code), sot_code_name(err->code), "%s", err->text);
}

void call_store_failed(gw_call *c, const store_outcome *outcome)
{
	if (strncmp(outcome->sqlstate, "22", 2) == 0) {
		call_problem(c, 400, "invalid", "a parameter of this request has the wrong form");
		return;
	}
	if (outcome->code == SOT_UNAVAILABLE || outcome->code == SOT_UNKNOWN) {
		call_problem(c, 503, "unavailable", "the database does not answer: %s; try again",
		    outcome->why != NULL ? outcome->why->text : "no reason");
		return;
	}
	call_problem(c, 500, "internal", "the database refused a query of this program: %s",
	    outcome->why != NULL ? outcome->why->text : outcome->sqlstate);
}

sot_code call_query(gw_call *c, const char *name, char *ret, size_t size)
{
	sot_str raw = {0};
	size_t n = 0;
	sot_err err = {0};
	ret[0] = '\0';
	if (!gw_request_query(c->http, name, &raw))
		return SOT_OK;
	if (gw_percent_decode(raw, ret, size, &n, &err) == SOT_OK)
		return SOT_OK;
	call_problem(c, 400, "invalid", "query parameter '%s': %s", name, err.text);
	return SOT_INVALID;
}

/* ---- the way of a call ---- */
static void make_request_id(gw_call *c)
{
	sot_str given = gw_request_header(c->http, "X-Request-Id");
	uint8_t entropy[16];
	sot_uuid id;
	/* A client's own id is kept when it is a UUID; anything else could not be searched for. */
	if (given.n > 0 && sot_uuid_parse(given, &id, NULL) == SOT_OK) {
		(void)sot_uuid_format(id, c->request_id);
		return;
	}
	sot_rand_bytes(entropy, sizeof(entropy));
	(void)sot_uuid_format(sot_uuid_v7(sot_wall_now(), entropy), c->request_id);
}

static gw_call *call_new(gateway *g, gw_request *q)
{
	gw_call *c = sot_alloc(sizeof(*c));
	c->g = g;
	c->http = q;
	c->began = reactor_now(g->loop);
	c->began_us = sot_mono_us_now();
	sot_buf_init(&c->rows, 32u * 1024 * 1024);
	make_request_id(c);
	gw_request_set_data(q, c);
	return c;
}

static bool csrf_is_right(gw_call *c)
{
	sot_str given = gw_request_header(c->http, "X-CSRF-Token");
	size_t n = strlen(c->caller.csrf);
	return given.n == n && gnutls_memcmp(given.p, c->caller.csrf, n) == 0;
}

/* A browser says where a request comes from; another site's page must not change anything. */
bool call_is_same_site(gw_call *c, bool or_silent)
{
	sot_str origin = gw_request_header(c->http, "Origin"), host;
	if (origin.n == 0)
		return or_silent;
	host = gw_request_header(c->http, "Host");
	if (sot_str_starts(origin, "https://"))
		origin = (sot_str){origin.p + 8, origin.n - 8};
	else if (sot_str_starts(origin, "http://"))
		origin = (sot_str){origin.p + 7, origin.n - 7};
	return sot_str_eq(origin, host);
}

static void begin_body(gw_call *c)
{
	const gw_route *route = c->match.route;
	sot_str type = gw_request_header(c->http, "Content-Type");
	if (route->flags & GW_RAW) {
		if (gw_precondition_refuses(c))
			return;
		if (route->id == GW_ROUTE_import_run)
			import_begin(c);
		else if (route->id == GW_ROUTE_upload_append)
			append_begin(c);
		else
			upload_begin(c);
		return;
	}
	if ((route->flags & GW_BODY) && type.n > 0 && !sot_str_starts(type, "application/json")) {
		call_problem(c, 415, "unsupported_media_type",
		    "the body must be JSON with 'Content-Type: application/json'");
		return;
	}
	gw_request_read_body(c->http, GW_JSON_BODY_MAX);
}

static void after_auth(gw_call *c)
{
	const gw_route *route = c->match.route;
	if (!gw_rate_admits_caller(c))
		return;
	if ((route->flags & GW_MUTATING) && c->caller.csrf[0] != '\0' &&
	    (!csrf_is_right(c) || !call_is_same_site(c, true))) {
		call_problem(c, 403, "denied",
		    "a change by cookie needs the header X-CSRF-Token with the token of GET /v1/me, "
		    "from a page of this site");
		return;
	}
	gw_scope_check(c, begin_body);
}

static bool is_api_path(sot_str path)
{
	return sot_str_starts(path, "/v1/") || sot_str_eq_c(path, "/v1");
}

static void route_call(gw_call *c)
{
	sot_str method = gw_request_method(c->http), path = gw_request_path(c->http);
	sot_err err = {0};
	if (gw_route_find(method, path, &c->match, &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	if (c->match.route == NULL && c->match.path_known) {
		call_problem(
		    c, 405, "method_not_allowed", "%.*s knows only %s", SOT_ARG(path), c->match.allow);
		return;
	}
	if (c->match.route == NULL && !is_api_path(path)) {
		serve_static(c);
		return;
	}
	if (c->match.route == NULL) {
		call_problem(c, 404, "not_found", "there is no %.*s; GET /v1/openapi.json lists all routes",
		    SOT_ARG(path));
		return;
	}
	if (c->match.route->id != GW_ROUTE_health_get && !gw_rate_admits_address(c))
		return; /* load balancers ask for health, and must not be told lies */
	if (c->match.route->scope == GW_SCOPE_PUBLIC) {
		if (c->match.route->id == GW_ROUTE_session_create && !call_is_same_site(c, true))
			call_problem(c, 403, "denied", "log-ins come from pages of this site only");
		else
			begin_body(c);
		return;
	}
	c->after_auth = after_auth;
	gw_auth_call(c);
}

static void on_head(void *self, gw_request *q)
{
	gateway *g = self;
	gw_call *c = call_new(g, q);
	sot_metric_set(g->open_requests, (int64_t)gw_http_open_requests(g->http));
	route_call(c);
}

static void claim_key(gw_call *c)
{
	gw_kept_claim(c, gw_precondition_check);
}

static void on_body(void *self, gw_request *q)
{
	gw_call *c = gw_request_data(q);
	(void)self;
	gw_scope_check_body(c, claim_key);
}

static void on_refused(void *self, gw_request *q, const sot_err *why)
{
	call_problem(call_new(self, q), 400, "invalid", "the request's head is refused: %s", why->text);
}

static void on_too_large(void *self, gw_request *q, uint64_t max_bytes)
{
	(void)self;
	call_problem(gw_request_data(q), 413, "limit", "the body is larger than %llu bytes",
	    (unsigned long long)max_bytes);
}

/* What stays open as long as somebody listens is no call; a request of no route has no name. */
static void note_call(const gw_call *c, const gw_request *q)
{
	char name[SOT_CALL_NAME_MAX + 1], status[SOT_CALL_STATUS_MAX + 1];
	int code = gw_request_status(q);
	const gw_route *route = c->match.route;
	if (!route || code == 0 || route->id == GW_ROUTE_event_stream)
		return;
	(void)snprintf(name, sizeof(name), "%s %s", route->method, route->pattern);
	int64_t us = sot_mono_us_now() - c->began_us;
	if (code < 500) {
		sot_calls_note(c->g->calls, sot_str_c(name), us);
		return;
	}
	(void)snprintf(status, sizeof(status), "http-%d", code);
	sot_calls_note_failure(c->g->calls, sot_str_c(name), us, status, reactor_wall(c->g->loop));
}

static void on_end(void *self, gw_request *q)
{
	gateway *g = self;
	gw_call *c = gw_request_data(q);
	sot_metric_observe_ms(g->latency, sot_mono_diff_ms(sot_mono_now(), c->began));
	note_call(c, q);
	sot_metric_set(g->open_requests, (int64_t)gw_http_open_requests(g->http) - 1);
	gw_hub_unwatch(g->hub, c);
	if (g->db != NULL)
		store_forget(g->db, c);
	gw_peers_forget(g->peers, c);
	if (c->state_free != NULL)
		c->state_free(c->state);
	sot_buf_clear(&c->rows);
	(void)gw_rights_free(c->caller.rights);
	(void)gw_outgoing_free(c->outgoing);
	(void)gw_kept_free(c->kept);
	free(c);
}

const gw_http_events gw_call_events = {
    .on_head = on_head,
    .on_body = on_body,
    .on_refused = on_refused,
    .on_too_large = on_too_large,
    .on_end = on_end,
};
