/* The process: parts in order of need, a drain at the end. */
#include "gateway.h"

#include "control.h"
#include "gw_exec.h"
#include "gw_machine_routes.h"
#include "gw_oidc_visit.h"
#include "gw_sql.h"
#include "gw_sweep.h"
#include "gw_webhooks.h"
#include "service.h"
#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DRAIN_MS 5000
#define DRAIN_LOOK_MS 50
#define OPENAPI_MAX (2u * 1024 * 1024)
#define ORPHAN_AGE_S (24 * 3600)
#define BUCKETS 4096

static void on_database(void *self, bool up, const sot_err *why)
{
	gateway *g = self;
	if (!up)
		sot_log_err(SOT_WARN, "database.down", why, "effect=reads_fail_with_503");
	else
		sot_log(SOT_INFO, "database.up", "connections=%lld",
		    (long long)g->config->database_connections);
	if (up && g->hub != NULL)
		gw_hub_poke(g->hub);
}

/* Uploads that a crash has cut off. Another gateway may be writing younger ones. */
static void sweep_temporaries(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	time_t now = time(NULL);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL) {
		struct stat st;
		if (entry->d_name[0] == '.' ||
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 ||
		    !S_ISREG(st.st_mode) || now - st.st_mtime < ORPHAN_AGE_S)
			continue;
		if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			sot_log(SOT_INFO, "upload.swept", "file=%s", entry->d_name);
	}
	(void)closedir(dir);
}

static sot_code prepare_files(gateway *g, sot_err *err)
{
	char temporary[640];
	(void)snprintf(temporary, sizeof(temporary), "%s/tmp", g->config->blobs_dir);
	if (sot_mkdirs(temporary, 0750, err) != SOT_OK)
		return sot_wrap(err, "blobs_dir");
	sweep_temporaries(temporary);
	(void)snprintf(temporary, sizeof(temporary), "%s/uploads", g->config->blobs_dir);
	if (sot_mkdirs(temporary, 0750, err) != SOT_OK)
		return sot_wrap(err, "blobs_dir");
	sot_buf_init(&g->openapi, OPENAPI_MAX);
	if (sot_file_read(g->config->openapi_file, &g->openapi, err) != SOT_OK)
		return sot_wrap(err, "openapi_file");
	return SOT_OK;
}

static void make_metrics(gateway *g)
{
	static const char *const classes[6] = {"class=\"0xx\"", "class=\"1xx\"", "class=\"2xx\"",
	    "class=\"3xx\"", "class=\"4xx\"", "class=\"5xx\""};
	for (size_t i = 0; i < 6; i++)
		g->answers[i] = sot_counter("sot_gateway_answers_total", classes[i], "HTTP answers");
	g->calls = sot_calls_new(GW_ROUTE_COUNT);
	g->latency =
	    sot_histogram_ms("sot_gateway_request_ms", NULL, "From the head of a request to its end");
	g->open_requests = sot_gauge("sot_gateway_open_requests", NULL, "Requests that are not over");
	g->logins_refused = sot_counter("sot_gateway_logins_refused_total", NULL, "Wrong passwords");
	g->upload_bytes = sot_counter("sot_gateway_upload_bytes_total", NULL, "Package bytes received");
}

/* A list is planned with what is asked of it: filters that are '' fall away and a part of a name is
 * looked up. A plan for any of them looks through 100,000 instances in half a second; planning
 * takes 0.2 ms, of what has a key 0.04 ms (ADR 0051). */
static const char planner_options[] = "options='-c plan_cache_mode=force_custom_plan'";

static sot_code open_database(gateway *g, sot_err *err)
{
	char conninfo[SOT_CONFIG_VALUE_MAX + sizeof(planner_options) + 1];
	(void)snprintf(conninfo, sizeof(conninfo), "%s %s", planner_options, g->config->database);
	store_options options = {
	    .conninfo = conninfo,
	    .service = "api-gateway",
	    .statements = gw_statements,
	    .statement_count = GW_STATEMENT_COUNT,
	    .connections = (int)g->config->database_connections,
	    .deadline_ms = 5000,
	    .queue_max = 2000,
	};
	return store_new(g->loop, &options, on_database, g, &g->db, err);
}

static sot_code open_bus(gateway *g, sot_err *err)
{
	bus_keypair keys;
	char path[640];
	sot_code code;
	(void)snprintf(path, sizeof(path), "%s/api-gateway.key", g->config->keys_dir);
	if (bus_keypair_load(path, &keys, err) != SOT_OK)
		return sot_wrap(err, "keys_dir");
	gw_seal_key(sot_str_c(keys.secret_key), g->seal_key);
	code = bus_new(g->loop, &keys, &g->bus, err);
	explicit_bzero(&keys, sizeof(keys));
	return code == SOT_OK ? bus_allow_services(g->bus, g->config->keys_dir, err) : code;
}

static sot_code open_http(gateway *g, sot_err *err)
{
	gw_http_options options = {
	    .listen = g->config->listen,
	    .tls_cert = g->config->tls_cert,
	    .tls_key = g->config->tls_key,
	    .connections_max = g->config->connections_max,
	    .connections_per_address_max = g->config->connections_per_address_max,
	    .connection_memory_bytes = g->config->connection_memory_bytes,
	    .idle_timeout_s = g->config->idle_timeout_s,
	    .body_idle_timeout_s = g->config->body_idle_timeout_s,
	    .head_deadline_ms = g->config->head_deadline_ms,
	    .pace_bytes_per_s = g->config->pace_bytes_per_s,
	};
	return gw_http_new(g->loop, &options, &gw_call_events, g, &g->http, err);
}

/* Drained when the last open request is over and nobody is about to ask; the service's deadline
 * ends the wait for streams. */
static void on_drain_look(void *self, uint64_t missed)
{
	gateway *g = self;
	(void)missed;
	if (gw_http_is_drained(g->http))
		service_drained(g->service);
}

static void on_notice_over(void *self, uint64_t missed)
{
	gateway *g = self;
	(void)missed;
	g->quiet = true;
	gw_http_quiesce(g->http);
	gw_hub_end_streams(g->hub);
	gw_exec_end_all(g->exec);
	(void)reactor_every_ms(g->loop, DRAIN_LOOK_MS, on_drain_look, g);
}

/* Balancers first: whoever is sent here until they know is served. */
static void on_drain(void *self)
{
	gateway *g = self;
	sot_log(SOT_INFO, "service.drain", "open=%zu notice_ms=%lld", gw_http_open_requests(g->http),
	    (long long)g->config->drain_notice_ms);
	g->draining = true;
	gw_http_leave(g->http);
	(void)reactor_after_ms(g->loop, g->config->drain_notice_ms, on_notice_over, g);
}

static bool on_health(void *self, sot_buf *reasons)
{
	gateway *g = self;
	bool database = store_is_up(g->db), scheduler = gw_peers_scheduler_is_up(g->peers);
	if (g->draining)
		sot_buf_add_c(reasons, "it is stopping\n");
	if (!database)
		sot_buf_add_c(reasons, "the database is away\n");
	if (!scheduler)
		sot_buf_add_c(reasons, "no scheduler is connected\n");
	return database && scheduler && !g->draining;
}

static sot_code open_outside(gateway *g, sot_err *err)
{
	service_options options = {
	    .drain = on_drain, .self = g, .drain_deadline_ms = g->config->drain_notice_ms + DRAIN_MS};
	if (control_listen(g->loop, g->config->control_socket, "api-gateway", on_health, g, &g->control,
	        err) != SOT_OK)
		return sot_wrap(err, "control_socket");
	return service_new(g->loop, &options, &g->service, err);
}

static sot_code check_roles(const gateway_config *config, sot_err *err)
{
	const char *const roles[] = {config->ssh_admin_role, config->ssh_readonly_role};
	for (size_t i = 0; i < 2; i++)
		if (gw_role_parse(sot_str_c(roles[i])) == GW_ROLE_PUBLIC)
			return sot_fail(err, SOT_INVALID, "%s: '%s' is no role",
			    i == 0 ? "ssh_admin_role" : "ssh_readonly_role", roles[i]);
	return SOT_OK;
}

static sot_code open_parts(gateway *g, sot_err *err)
{
	make_metrics(g);
	g->auth = gw_auth_new(g);
	g->login_addresses = gw_buckets_new(
	    BUCKETS, g->config->login_tries_per_minute, 60000 / g->config->login_tries_per_minute);
	g->login_accounts = gw_buckets_new(
	    BUCKETS, g->config->login_tries_per_minute, 60000 / g->config->login_tries_per_minute);
	g->call_addresses = gw_rate_new(g->config->address_calls_per_second);
	g->call_people = gw_rate_new(g->config->calls_per_second);
	if (check_roles(g->config, err) != SOT_OK || prepare_files(g, err) != SOT_OK ||
	    open_database(g, err) != SOT_OK || open_bus(g, err) != SOT_OK ||
	    gw_peers_new(g, &g->peers, err) != SOT_OK || gw_hub_new(g, &g->hub, err) != SOT_OK ||
	    http_client_new(g->loop, &g->outside, err) != SOT_OK ||
	    gw_oidc_new(g, &g->oidc, err) != SOT_OK || gw_exec_new(g, &g->exec, err) != SOT_OK ||
	    open_http(g, err) != SOT_OK || open_outside(g, err) != SOT_OK)
		return err != NULL ? err->code : SOT_INTERNAL;
	g->webhooks = gw_webhooks_new(g);
	g->sweep = gw_sweep_new(g);
	machine_watch_start(g);
	g->call_reports = call_reports_new(g->loop, g->db, GW_SQL_REPORT_CALLS, "api-gateway");
	call_reports_add(g->call_reports, "URL", g->calls);
	SOT_FAILPOINT("gateway.start.before_loop", err);
	return SOT_OK;
}

/* Requests first: their ends let go of everything that comes after. */
static void close_parts(gateway *g)
{
	g->service = service_free(g->service);
	g->control = control_free(g->control);
	g->exec = gw_exec_free(g->exec); /* its connections are the library's: before it */
	g->http = gw_http_free(g->http);
	g->sweep = gw_sweep_free(g->sweep);
	machine_watch_stop(g);
	g->call_reports = call_reports_free(g->call_reports);
	g->webhooks = gw_webhooks_free(g->webhooks);
	g->oidc = gw_oidc_free(g->oidc);
	g->outside = http_client_free(g->outside);
	g->db = store_free(g->db);
	g->hub = gw_hub_free(g->hub);
	g->peers = gw_peers_free(g->peers);
	if (g->bus != NULL)
		g->bus = bus_free(g->bus);
	g->auth = gw_auth_free(g->auth);
	g->login_addresses = gw_buckets_free(g->login_addresses);
	g->login_accounts = gw_buckets_free(g->login_accounts);
	g->call_addresses = gw_buckets_free(g->call_addresses);
	g->call_people = gw_buckets_free(g->call_people);
	sot_buf_clear(&g->openapi);
	sot_buf_clear(&g->api_page);
	g->calls = sot_calls_free(g->calls);
}

sot_code gateway_run(const gateway_config *config, sot_err *err)
{
	gateway g = {.config = config};
	sot_list_init(&g.appends);
	sot_code code = reactor_new(&g.loop, err);
	if (code != SOT_OK)
		return code;
	code = open_parts(&g, err);
	if (code == SOT_OK) {
		service_ready(g.service);
		sot_log(SOT_INFO, "service.up", "listen=%s tls=%s", gw_http_address(g.http),
		    config->tls_cert[0] != '\0' ? "on" : "off");
		code = reactor_run(g.loop, err);
	}
	close_parts(&g);
	g.loop = reactor_free(g.loop);
	sot_log(SOT_INFO, "service.down", "code=%s", sot_code_name(code));
	return code;
}
