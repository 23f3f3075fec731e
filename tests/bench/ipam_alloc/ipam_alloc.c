/* bench_ipam_alloc - durable address allocations a second, over CURVE sockets, to committed rows.
 *
 * The real sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on). 192 requests for one
 * address each are open all the time, on 16 connections. First on an empty /16, then on ten /16
 * that are 99 % full. The peer, in the same run: one connection that inserts batches of 128 rows
 * with history into tables of the same shape, without bus, events and idempotency.
 */
#include "../bench.h"
#include "bus.h"
#include "sot_file.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	CLIENTS = 16,
	OPEN = 192,
	EMPTY_COUNT = 40000,
	FULL_NETWORKS = 10,
	FULL_COUNT = 6000, /* of about 6,550 that are free */
	RAW_BATCH = 128,
	REQUEST_MS = 60000,
};

typedef struct run run;

typedef struct flight {
	run *run;
	int64_t began_ns;
} flight;

struct run {
	reactor *loop;
	bus *bus;
	bus_client *clients[CLIENTS];
	PGconn *pg;
	char dir[64];
	sot_arena *arena;
	sot_buf frame;
	flight flights[OPEN];
	const char *network_format;
	uint32_t sent, answered, total, next_owner;
	int64_t *took_ns;
};

static pid_t server; /* must not outlive the bench, however it ends */

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_ipam_alloc: %s: %s\n", what, why);
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

/* Ten /16 each of "empty" (10.0 to 10.9) and "full" (10.10 to 10.19), made by SQL. */
static void make_networks(run *r, const char *name, int first_octet)
{
	char text[600];
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO ipam.vlan (id, name, vlan_id) SELECT gen_random_uuid(), '%s' || i, 7"
	    " FROM generate_series(0, %d) i;"
	    "INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT gen_random_uuid(), v.id, c,"
	    " host(network(c))::inet + 1, host(broadcast(c))::inet - 1 FROM (SELECT ('10.' || %d + i "
	    "|| '.0.0/16')::cidr"
	    " AS c, '%s' || i AS name FROM generate_series(0, %d) i) n JOIN ipam.vlan v USING (name)",
	    name, FULL_NETWORKS - 1, first_octet, name, FULL_NETWORKS - 1);
	sql(r, text);
}

static void fill_networks(run *r)
{
	sql(r, "INSERT INTO ipam.address (address, subnet, state, owner) SELECT s.first + i, s.id,"
	       " 'bound', gen_random_uuid() FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan,"
	       " generate_series(0, 65533) i WHERE v.name LIKE 'full%' AND (i * 7919) % 100 > 0");
	sql(r, "VACUUM ANALYZE ipam.address");
}

static void open_world(run *r)
{
	bus_keypair server_keys, own_keys;
	char text[300];
	sot_err err = {0};
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/sotalia-ipam-bench.XXXXXX");
	if (!mkdtemp(r->dir))
		die("mkdtemp", r->dir);
	make_keys(r, "ipam", &server_keys);
	make_keys(r, "scheduler", &own_keys);
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=postgres", getenv("SOT_PG_DIR"));
	r->pg = PQconnectdb(text);
	if (PQstatus(r->pg) != CONNECTION_OK)
		die("connecting", PQerrorMessage(r->pg));
	make_networks(r, "empty", 0);
	make_networks(r, "full", FULL_NETWORKS);
	fill_networks(r);
	start_server(r);
	if (reactor_new(&r->loop, &err) != SOT_OK ||
	    bus_new(r->loop, &own_keys, &r->bus, &err) != SOT_OK)
		die("bus", err.text);
	(void)snprintf(text, sizeof(text), "ipc://%s/requests", r->dir);
	for (int i = 0; i < CLIENTS; i++) {
		if (bus_connect(r->bus, "ipam", text, server_keys.public_key, NULL, NULL, r, &r->clients[i],
		        &err) != SOT_OK)
			die("bus", err.text);
	}
	r->arena = sot_arena_new((size_t)1024 * 1024);
	sot_buf_init(&r->frame, SOT_WIRE_FRAME_MAX);
}

static void close_world(run *r)
{
	static const char *const names[] = {"ipam.key", "ipam.key_secret", "ipam.pub", "scheduler.key",
	    "scheduler.key_secret", "scheduler.pub", "requests", "hints", "agents"};
	(void)kill(server, SIGTERM);
	(void)waitpid(server, NULL, 0);
	for (int i = 0; i < CLIENTS; i++)
		bus_client_free(r->clients[i]);
	bus_free(r->bus);
	reactor_free(r->loop);
	sot_arena_free(r->arena);
	sot_buf_clear(&r->frame);
	PQfinish(r->pg);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		(void)snprintf(path, sizeof(path), "%s/%s", r->dir, names[i]);
		(void)unlink(path);
	}
	(void)rmdir(r->dir);
}

/* ---- load ---- */

static void send_next(run *r, flight *f);

static void on_granted(void *self, const void *from, const sot_addresses_granted *m)
{
	(void)from;
	flight *f = self;
	run *r = f->run;
	if (m->grants_count != 1)
		die("grants", "not one");
	r->took_ns[r->answered++] = bench_now_ns() - f->began_ns;
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
	static const sot_ipam_replies replies = {
	    .addresses_granted = on_granted, .refused = on_refused};
	flight *f = self;
	run *r = f->run;
	sot_err err = {0};
	if (code != SOT_OK)
		die("request", why->text);
	sot_arena_reset(r->arena);
	if (sot_ipam_dispatch_reply(&replies, f, NULL, frame, r->arena, &err) != SOT_OK)
		die("reply", err.text);
	if (r->sent < r->total)
		send_next(r, f);
}

static void send_next(run *r, flight *f)
{
	char network[32];
	sot_err err = {0};
	uint32_t owner = r->next_owner++;
	(void)snprintf(network, sizeof(network), "%s%u", r->network_format, r->sent % FULL_NETWORKS);
	sot_address_want want = {.owner = {{1}}, .vlan = sot_str_c(network)};
	memcpy(want.owner.b + 12, &owner, sizeof(owner));
	sot_addresses_acquire m = {.request_id = bus_next_request_id(r->bus),
	    .actor = SOT_STR("svc:scheduler"),
	    .wants = &want,
	    .wants_count = 1};
	sot_buf_reset(&r->frame);
	f->began_ns = bench_now_ns();
	if (sot_addresses_acquire_encode(&m, &r->frame, &err) != SOT_OK ||
	    bus_request(r->clients[r->sent % CLIENTS], m.request_id, sot_buf_str(&r->frame), REQUEST_MS,
	        on_reply, f, &err) != SOT_OK)
		die("request", err.text);
	r->sent++;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Allocations a second; latencies stay in took_ns, sorted. */
static double measure(run *r, const char *networks, uint32_t total, uint32_t open)
{
	r->network_format = networks;
	r->sent = r->answered = 0;
	r->total = total;
	r->took_ns = sot_grow_array(r->took_ns, 0, total, sizeof(*r->took_ns));
	int64_t began = bench_now_ns();
	for (uint32_t i = 0; i < open; i++) {
		r->flights[i].run = r;
		send_next(r, &r->flights[i]);
	}
	while (r->answered < total)
		reactor_turn(r->loop, 1000);
	double seconds = (double)(bench_now_ns() - began) / 1e9;
	qsort(r->took_ns, total, sizeof(*r->took_ns), compare);
	return (double)total / seconds;
}

/* ---- the peer ---- */

static double raw_insert(run *r)
{
	sql(r, "CREATE SCHEMA raw");
	sql(r, "CREATE TABLE raw.address (LIKE ipam.address INCLUDING ALL)");
	sql(r, "CREATE TABLE raw.address_event (LIKE ipam.address_event INCLUDING ALL)");
	sql(r, "PREPARE put AS WITH a AS (INSERT INTO raw.address (address, subnet, state, owner)"
	       " SELECT '10.0.0.0'::inet + ($1 + i), $2, 'reserved', gen_random_uuid()"
	       " FROM generate_series(1, 128) i ON CONFLICT DO NOTHING RETURNING *),"
	       " h AS (INSERT INTO raw.address_event (address, event, owner, generation, actor)"
	       " SELECT address, 'reserved', owner, generation, 'raw' FROM a)"
	       " SELECT address, owner FROM a");
	int64_t began = bench_now_ns();
	uint32_t done = 0;
	for (; done < EMPTY_COUNT; done += RAW_BATCH) {
		char text[120];
		(void)snprintf(
		    text, sizeof(text), "EXECUTE put(%u, '00000000-0000-7000-8000-000000000001')", done);
		sql(r, text);
	}
	return (double)done / ((double)(bench_now_ns() - began) / 1e9);
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
	(void)measure(&r, "empty", OPEN, OPEN); /* connects, reads the rows */
	double rate = measure(&r, "empty", EMPTY_COUNT, OPEN);
	double p99_ms = (double)r.took_ns[EMPTY_COUNT * 99 / 100] / 1e6;
	double full_rate = measure(&r, "full", FULL_COUNT, OPEN);
	double raw_rate = raw_insert(&r);
	close_world(&r);
	free(r.took_ns);
	bench *b = bench_new("ipam_alloc");
	bench_figure(b, "ipam.alloc_per_s", rate, "1/s", ">= 20000", raw_rate);
	bench_figure(b, "ipam.alloc_p99_ms", p99_ms, "ms", "<= 15", BENCH_NONE);
	bench_figure(b, "ipam.full99_ratio", full_rate / rate, "ratio", ">= 0.9", BENCH_NONE);
	sot_err err = {0};
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		die("writing", err.text);
	return 0;
}
