/* gateway - the process: its parts, and one API call from head to answer.
 *
 * gateway_run.c wires the parts, gw_call.c leads a request through authentication, the route table
 * and a handler; handlers are in the files named after what they serve. Each handler ends in
 * exactly one answer (call_*), at once or later.
 */
#ifndef GATEWAY_H
#define GATEWAY_H

#include "bus.h"
#include "call_reports.h"
#include "gw_bucket.h"
#include "gw_command.h"
#include "gw_http.h"
#include "gw_problem.h"
#include "gw_rights.h"
#include "gw_route.h"
#include "gw_seal.h"
#include "sot_config.h"
#include "sot_map.h"
#include "sot_metrics.h"
#include "store.h"

#define GW_JSON_BODY_MAX (1024u * 1024)
#define GW_SHA256_N 32
#define GW_COOKIE_NAME "__Host-sotalia"

typedef struct gateway_config {
#define CONFIG(name, type, default_text, min, max, doc) SOT_CONFIG_MEMBER_##type(name)
#include "config.def"
#undef CONFIG
} gateway_config;
extern const sot_config_key gateway_config_keys[];
extern const size_t gateway_config_key_count;

typedef struct gw_auth gw_auth;
typedef struct gw_peers gw_peers;
typedef struct gw_hub gw_hub;
typedef struct gw_exec gw_exec;

struct gw_oidc;
struct http_client;

struct control;
struct service;

typedef struct gateway {
	const gateway_config *config;
	reactor *loop;
	store *db;
	bus *bus;
	gw_http *http;
	gw_auth *auth;
	gw_peers *peers;
	gw_hub *hub;
	gw_exec *exec;
	struct http_client *outside; /* requests to others: webhooks, the OpenID provider */
	struct gw_webhooks *webhooks;
	struct gw_oidc *oidc; /* NULL: no such provider */
	struct gw_sweep *sweep;
	reactor_watch *machine_watch; /* machines of runners that are gone */
	bool is_sweeping_machines;
	gw_buckets *login_addresses, *login_accounts;
	gw_buckets *call_addresses, *call_people; /* NULL: no limit */
	struct control *control;
	struct service *service;
	uint8_t seal_key[GW_SEAL_KEY_N]; /* of secrets at rest */
	bool draining;                   /* SIGTERM came; what comes yet is served */
	bool quiet;                      /* nothing new comes any more: streams end */
	sot_link appends;                /* bodies that uploads receive now: gw_uploads.c */
	sot_buf openapi, api_page;       /* the page is rendered when it is first asked for */
	sot_metric *answers[6];          /* by status / 100 */
	sot_calls *calls;                /* requests by route, for monitoring */
	call_reports *call_reports;
	sot_metric *latency, *open_requests, *logins_refused, *upload_bytes;
} gateway;

/* Runs until SIGTERM or SIGINT. */
sot_code gateway_run(const gateway_config *config, sot_err *err) SOT_CHECK;

/* ---- who calls ---- */
typedef struct gw_caller {
	gw_role role;      /* on the platform; GW_ROLE_PUBLIC: none, or nobody has logged in */
	gw_rights *rights; /* a reference; NULL: nobody has logged in */
	char name[64];
	char actor[80];       /* "user:li", "token:ci", "host:<uuid>" */
	char csrf[65];        /* "" unless a cookie session */
	char token_id[17];    /* "" unless a token */
	char credential[32];  /* for the audit: "token:<id>", "session:<first digits of its digest>" */
	int64_t ends_unix_ms; /* when the credential does */
	uint8_t session_sha256[GW_SHA256_N];
} gw_caller;

/* ---- one call ---- */
typedef struct gw_call gw_call;
typedef void (*gw_call_fn)(gw_call *c);
struct gw_call {
	gateway *g;
	gw_request *http;
	gw_match match;
	gw_caller caller;
	gw_role role; /* of the caller on what this call is about */
	char request_id[SOT_UUID_TEXT];
	sot_mono began;
	int64_t began_us;
	gw_call_fn after_auth;
	sot_buf rows; /* JSON text that a query gave */
	bool rows_found;
	char vrf[64];                 /* for ipam's changes: of the query, or as a look-up found it */
	struct gw_kept *kept;         /* an Idempotency-Key that was claimed: gw_kept.c */
	struct gw_outgoing *outgoing; /* what was sent to another service, or will be */
	const struct gw_relay *relay; /* what a host's agent was asked: gw_relay.c */
	/* A handler's own state, released when the request is over. */
	void *state;
	void (*state_free)(void *state);
};

extern const gw_http_events gw_call_events; /* self: the gateway */

/* Answers. Each sends exactly one reply; headers that every reply has are added. */
void call_reply(gw_call *c, gw_reply **reply_p);
void call_json(gw_call *c, int status, sot_str body);
/* As call_json, with one more header; NULL: none. */
void call_json_with(gw_call *c, int status, sot_str body, const char *header, const char *value);
/* 200 with a resource, and with its ETag when it has one. */
void call_item(gw_call *c, sot_str body);
void call_problem(gw_call *c, int status, const char *code, const char *fmt, ...) SOT_PRINTF(4, 5);
void call_problem_full(gw_call *c, const gw_problem *problem);
/* What another service refused: its words, its pointer, and when to try again. */
struct sot_refused;
void call_refused(gw_call *c, const struct sot_refused *r);
/* As the code says: invalid 400, not_found 404, unavailable 503 ... */
void call_fail(gw_call *c, const sot_err *err);
/* For a transaction that did not commit. */
void call_store_failed(gw_call *c, const store_outcome *outcome);
/* A parameter of the query, decoded; `ret` becomes "" when absent. SOT_INVALID was answered. */
sot_code call_query(gw_call *c, const char *name, char *ret, size_t size) SOT_CHECK;
/* Whether a browser says that the request comes from a page of this site; `or_silent` when it says
 * nothing. */
bool call_is_same_site(gw_call *c, bool or_silent);
struct json_t;
/* The body as its route's table of fields has it (release it with json_decref), NULL for a route
 * without one. SOT_INVALID was answered. */
sot_code call_body(gw_call *c, struct json_t **ret) SOT_CHECK;
void call_random_hex(char *dst, size_t bytes); /* 2 * bytes + 1 */
void call_sha256(sot_str text, uint8_t ret[GW_SHA256_N]);

/* ---- parts ---- */
gw_auth *gw_auth_new(gateway *g);
gw_auth *gw_auth_free(gw_auth *a);
/* Fills c->caller, then calls c->after_auth; or answers 401. */
void gw_auth_call(gw_call *c);
void gw_auth_forget(gw_auth *a, const gw_caller *caller); /* out of the cache */
void gw_auth_forget_all(gw_auth *a);                      /* rights have changed somewhere */
/* gw_session.c: the cookie of a new session; an audit row of a log-in that was refused. */
void session_cookie(gw_call *c, const char *session, char ret[200]);
void session_note_refusal(gw_call *c, const char *name);
/* gw_scope.c: sets c->role and calls `then` when the route's role is held where it is needed; else
 * answers 403, or 404 for what is not there. _body: what the body names, when the route asks so. */
void gw_scope_check(gw_call *c, gw_call_fn then);
void gw_scope_check_body(gw_call *c, gw_call_fn then);
/* Calls `then` with the caller's role on the app of this 'app' or 'instance' in c->role; as above.
 */
void gw_scope_look(gw_call *c, const char *kind, const char *name, gw_call_fn then);

/* gw_kept.c: calls `then` when the route keeps no answers, there is no Idempotency-Key or it is a
 * new one; else answers as the first time, or why not. */
typedef struct gw_kept gw_kept;
void gw_kept_claim(gw_call *c, gw_call_fn then);
gw_kept *gw_kept_free(gw_kept *k);
/* The header; "" when absent. SOT_INVALID was answered. */
sot_code call_key(gw_call *c, sot_str *ret) SOT_CHECK;
/* Adds to the transaction that this is the answer from now on; with `if_changed` only if the
 * transaction has audited a change by then. Nothing without a key. */
void gw_kept_add(gw_call *c, store_tx *tx, int status, sot_str body, bool if_changed);
/* Whether the answer is kept first, and the reply then sent from there (it is taken). A refusal
 * frees the key instead. */
bool gw_kept_takes(gw_call *c, int status, sot_str body, gw_reply **reply_p);
/* gw_rate.c: false when there were too many calls; then 429 was answered. */
bool gw_rate_admits_address(gw_call *c);
bool gw_rate_admits_caller(gw_call *c);
/* NULL for 0: no limit. At most 1,000 a second. */
gw_buckets *gw_rate_new(int64_t calls_per_s);
/* Answers 429 with Retry-After. */
void call_too_many(gw_call *c, int64_t wait_ms, const char *detail);
/* gw_precondition.c: calls the route's handler, unless the request has an If-Match that the
 * resource does not fit any more: then 412 was answered. */
void gw_precondition_check(gw_call *c);
/* Whether the request has an If-Match though the route has no ETag; then 412 was answered. */
bool gw_precondition_refuses(gw_call *c);
/* A network as the database writes it: "2001:DB8::/64" becomes "2001:db8::/64"; what is none, an
 * id, stays, cut to 63 characters. */
void subnet_normalize(const char *given, char dst[64]);

sot_code gw_peers_new(gateway *g, gw_peers **ret, sot_err *err) SOT_CHECK;
gw_peers *gw_peers_free(gw_peers *p);
bool gw_peers_scheduler_is_up(const gw_peers *p);
/* Sends the frame to the scheduler (each endpoint in turn while they say not_leader) or to ipam.
 * `done` is called once with the answer's frame, or with the reason why there is none. */
sot_code gw_peers_ask(gw_peers *p, bool ipam, uint64_t request_id, sot_str frame,
    int64_t deadline_ms, bus_reply_fn done, void *self, sot_err *err) SOT_CHECK;
void gw_peers_forget(gw_peers *p, void *self);

sot_code gw_hub_new(gateway *g, gw_hub **ret, sot_err *err) SOT_CHECK;
gw_hub *gw_hub_free(gw_hub *h);
void gw_hub_end_streams(gw_hub *h); /* their clients go to another gateway */
void gw_hub_poke(gw_hub *h);        /* a hint came: read the outbox now */
/* Calls fn(self) when an event of the operation comes. One watch per self. */
void gw_hub_watch(gw_hub *h, sot_uuid operation, void (*fn)(void *self), void *self);
void gw_hub_unwatch(gw_hub *h, void *self);

/* ---- handlers ---- */
#define ROUTE(handler, method, pattern, role, scope, flags) void serve_##handler(gw_call *c);
#include "routes.def"
#undef ROUTE
extern const gw_call_fn gw_handlers[GW_ROUTE_COUNT];
void serve_static(gw_call *c);
/* Begin the streamed bodies of version_upload and import_run. */
void upload_begin(gw_call *c);
void import_begin(gw_call *c);
/* Sends a mutating route's message; the blob only for those two. */
typedef struct gw_blob {
	uint8_t sha256[GW_SHA256_N];
	uint64_t size_bytes;
	sot_str file_name, signed_by;
	/* import_run only */
	sot_uuid import_id;
	bool is_netbox, is_dry_run;
} gw_blob;
void command_run(gw_call *c, const gw_blob *blob);
/* A frame to the scheduler or to ipam. For a change, the row that says with which credential it was
 * asked is committed first (gateway.request): the audit's seal reads it. Takes the frame's bytes.
 */
typedef struct gw_outgoing {
	uint64_t request_id;
	int64_t deadline_ms;
	bool to_ipam;
	sot_buf frame;
	bus_reply_fn done; /* self: the call */
} gw_outgoing;
void outgoing_send(gw_call *c, const gw_outgoing *what);
gw_outgoing *gw_outgoing_free(gw_outgoing *o);
/* As command_run, for operation_retry. */
void command_retry(gw_call *c, const gw_retry *what);
/* Registers a host with the scheduler, as POST /v1/hosts does: `body` is one of that route. The
 * answer has the host's id and a fetch token. */
void command_register(gw_call *c, const struct json_t *body);
/* ipam has checked the import, and applied it or not: answers with its report. */
void import_report(gw_call *c, sot_uuid import_id);

#endif
