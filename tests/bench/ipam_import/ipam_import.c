/* bench_ipam_import - how long an import of 100,000 lines takes, from the request to its answer.
 *
 * The real sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on), asked over a CURVE socket;
 * the file is staged before, as the gateway does it. Measured: a dry run into an empty database,
 * the import itself, and a dry run of the same file again (all unchanged). The peer of the import,
 * in the same run: one INSERT of as many rows, with history, into tables of the same shape.
 */
#include "../bench.h"
#include "bus.h"
#include "sot_file.h"
#include "sot_ip.h"
#include "sot_proto.h"

#include <libpq-fe.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LINES = 100000, PART_BYTES = 262144, REQUEST_MS = 120000, RUNS = 5 };

static const char *const id_text = "00000000-0000-7000-8000-0000000000aa";

typedef struct run {
	reactor *loop;
	bus *bus;
	bus_client *client;
	PGconn *pg;
	char dir[64];
	sot_arena *arena;
	sot_buf csv;
	unsigned number; /* of the request */
	bool is_done, is_applied;
	uint32_t errors;
} run;

static pid_t server; /* must not outlive the bench, however it ends */

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_ipam_import: %s: %s\n", what, why);
	if (server > 0)
		(void)kill(server, SIGTERM);
	exit(1);
}

static void sql(run *r, const char *text)
{
	PGresult *res = PQexec(r->pg, text);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(text, PQerrorMessage(r->pg));
	PQclear(res);
}

/* ---- the world ---- */

static void make_keys(run *r, const char *name, bus_keypair *keys)
{
	char path[128];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/%s.key", r->dir, name);
	if (bus_keypair_make(keys, &err) != SOT_OK || bus_keypair_save(path, keys, &err) != SOT_OK)
		die("keys", err.text);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", r->dir, name);
	if (sot_file_write(path, sot_str_c(keys->public_key), 0644, &err) != SOT_OK)
		die("keys", err.text);
}

static void start_server(run *r)
{
	extern char **environ;
	char keys[100], requests[100], hints[100], agents[100], database[200],
	    level[] = "--log_level=warn";
	(void)snprintf(keys, sizeof(keys), "--keys_dir=%s", r->dir);
	(void)snprintf(requests, sizeof(requests), "--requests_endpoint=ipc://%s/requests", r->dir);
	(void)snprintf(hints, sizeof(hints), "--hints_endpoint=ipc://%s/hints", r->dir);
	(void)snprintf(agents, sizeof(agents), "--agents_endpoint=ipc://%s/agents", r->dir);
	(void)snprintf(database, sizeof(database), "--database=host=%s dbname=sotalia user=sot_ipam",
	    getenv("SOT_PG_DIR"));
	char binary[] = IPAM_BINARY;
	char *argv[] = {binary, keys, requests, hints, agents, database, level, NULL};
	if (posix_spawn(&server, binary, NULL, NULL, argv, environ) != 0)
		die("starting", IPAM_BINARY);
}

static void make_csv(run *r)
{
	char text[SOT_IP_TEXT];
	sot_buf_init(&r->csv, (size_t)32 * 1024 * 1024);
	sot_buf_add_c(&r->csv, "kind,vlan,vlan_id,cidr,address,state,owner,mac,reason\n"
	                       "vlan,big,9,,,,,,\nsubnet,big,,10.64.0.0/14,,,,,\n");
	for (uint32_t i = 0; i + 2 < LINES; i++)
		sot_buf_printf(&r->csv, "address,big,,,%s,static,node-%u,02:00:00:00:%02x:%02x,rack %u\n",
		    sot_ip_format(sot_ip_from_v4((10u << 24 | 64u << 16) + i + 2), text), i, i >> 8 & 0xff,
		    i & 0xff, i % 40);
}

static void open_world(run *r)
{
	bus_keypair server_keys, own_keys;
	char text[300];
	sot_err err = {0};
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/sotalia-import-bench.XXXXXX");
	if (!mkdtemp(r->dir))
		die("mkdtemp", r->dir);
	make_keys(r, "ipam", &server_keys);
	make_keys(r, "api-gateway", &own_keys);
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=postgres", getenv("SOT_PG_DIR"));
	r->pg = PQconnectdb(text);
	if (PQstatus(r->pg) != CONNECTION_OK)
		die("connecting", PQerrorMessage(r->pg));
	start_server(r);
	(void)snprintf(text, sizeof(text), "ipc://%s/requests", r->dir);
	if (reactor_new(&r->loop, &err) != SOT_OK ||
	    bus_new(r->loop, &own_keys, &r->bus, &err) != SOT_OK ||
	    bus_connect(r->bus, "ipam", text, server_keys.public_key, NULL, NULL, r, &r->client,
	        &err) != SOT_OK)
		die("bus", err.text);
	r->arena = sot_arena_new((size_t)1024 * 1024);
	make_csv(r);
}

static void close_world(run *r)
{
	static const char *const names[] = {"ipam.key", "ipam.key_secret", "ipam.pub",
	    "api-gateway.key", "api-gateway.key_secret", "api-gateway.pub", "requests", "hints",
	    "agents"};
	(void)kill(server, SIGTERM);
	(void)waitpid(server, NULL, 0);
	bus_client_free(r->client);
	bus_free(r->bus);
	reactor_free(r->loop);
	sot_arena_free(r->arena);
	sot_buf_clear(&r->csv);
	PQfinish(r->pg);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(r->dir);
}

/* ---- an import ---- */

static void stage(run *r)
{
	sql(r, "DELETE FROM ipam.import");
	for (int part = 0; (size_t)part * PART_BYTES < r->csv.n; part++) {
		char number[12];
		size_t from = (size_t)part * PART_BYTES;
		size_t n = r->csv.n - from < PART_BYTES ? r->csv.n - from : PART_BYTES;
		(void)snprintf(number, sizeof(number), "%d", part);
		const char *values[] = {id_text, number, r->csv.p + from};
		const int lengths[] = {0, 0, (int)n}, formats[] = {0, 0, 1};
		PGresult *res = PQexecParams(r->pg,
		    "SELECT ipam.import_stage($1::uuid, 'user:bench', 'a file', $2::int4, $3::bytea)", 3,
		    NULL, values, lengths, formats, 0);
		if (PQresultStatus(res) != PGRES_TUPLES_OK)
			die("staging", PQerrorMessage(r->pg));
		PQclear(res);
	}
}

static void on_done(void *self, const void *from, const sot_import_done *m)
{
	(void)from;
	run *r = self;
	r->is_applied = m->applied;
	r->errors = m->errors;
	r->is_done = true;
}

static void on_refused(void *self, const void *from, const sot_refused *m)
{
	(void)self;
	(void)from;
	char text[200];
	(void)snprintf(text, sizeof(text), "%.*s", SOT_ARG(m->text));
	die("refused", text);
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_replies replies = {.import_done = on_done, .refused = on_refused};
	run *r = self;
	sot_err err = {0};
	if (code != SOT_OK)
		die("request", why->text);
	sot_arena_reset(r->arena);
	if (sot_ipam_dispatch_reply(&replies, r, NULL, frame, r->arena, &err) != SOT_OK)
		die("reply", err.text);
}

/* Milliseconds from the request to the answer. */
static double import(run *r, bool dry_run)
{
	SOT_AUTO_BUF frame;
	char key[33];
	sot_err err = {0};
	(void)snprintf(key, sizeof(key), "%032u", r->number++);
	sot_import_run m = {.request_id = bus_next_request_id(r->bus),
	    .context = {.actor = SOT_STR("user:bench"),
	        .idempotency_key = sot_str_c(key),
	        .request_sha256 = {key, 32}},
	    .dry_run = dry_run};
	if (sot_uuid_parse(sot_str_c(id_text), &m.import_id, &err) != SOT_OK)
		die("id", err.text);
	stage(r);
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	r->is_done = false;
	int64_t began = bench_now_ns();
	if (sot_import_run_encode(&m, &frame, &err) != SOT_OK ||
	    bus_request(r->client, m.request_id, sot_buf_str(&frame), REQUEST_MS, on_reply, r, &err) !=
	        SOT_OK)
		die("request", err.text);
	while (!r->is_done)
		reactor_turn(r->loop, 1000);
	if (r->errors > 0 || r->is_applied == dry_run)
		die("import", "it did not go as it should");
	return (double)(bench_now_ns() - began) / 1e6;
}

static double worst_dry_run(run *r)
{
	double worst = 0;
	for (int i = 0; i < RUNS; i++) {
		double ms = import(r, true);
		worst = ms > worst ? ms : worst;
	}
	return worst;
}

static double raw_insert(run *r)
{
	sql(r, "CREATE SCHEMA raw");
	sql(r, "CREATE TABLE raw.address (LIKE ipam.address INCLUDING ALL)");
	sql(r, "CREATE TABLE raw.address_event (LIKE ipam.address_event INCLUDING ALL)");
	int64_t began = bench_now_ns();
	sql(r, "WITH a AS (INSERT INTO raw.address (address, subnet, state, owner_name, reason)"
	       " SELECT '10.64.0.0'::inet + i, '00000000-0000-7000-8000-000000000001', 'static',"
	       " 'node-' || i, 'rack' FROM generate_series(1, 100000) i RETURNING *)"
	       " INSERT INTO raw.address_event (vrf, address, event, generation, actor)"
	       " SELECT vrf, address, 'static', generation, 'raw' FROM a");
	return (double)(bench_now_ns() - began) / 1e6;
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!getenv("SOT_PG_DIR")) {
		execl(PG_SCRIPT, PG_SCRIPT, "run", argv[0], (char *)NULL);
		die("starting", PG_SCRIPT);
	}
	static run r;
	open_world(&r);
	double dry_ms = worst_dry_run(&r);
	double apply_ms = import(&r, false);
	double again_ms = worst_dry_run(&r);
	double raw_ms = raw_insert(&r);
	close_world(&r);
	bench *b = bench_new("ipam_import");
	bench_figure(b, "ipam.import_dry_100k_ms", dry_ms, "ms", "<= 3000", BENCH_NONE);
	bench_figure(b, "ipam.import_apply_100k_ms", apply_ms, "ms", NULL, raw_ms);
	bench_figure(b, "ipam.import_unchanged_100k_ms", again_ms, "ms", "<= 3000", BENCH_NONE);
	sot_err err = {0};
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		die("writing", err.text);
	return 0;
}
