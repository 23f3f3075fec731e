/* bench_ipam_reports - full reports of 1,000 hosts with 100 addresses each, all at once.
 *
 * The real sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on); every host has a key, a
 * socket and a connection of its own over TCP on loopback, all in this process. Measured from the
 * first frame to the last acknowledgement, which comes after the commit: once when all is as the
 * rows say, and once when one address in a hundred is used that nobody gave. bench_ipam_reports
 * [--hosts=N]       some 20 N descriptors and 2 N threads are needed
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
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { USED = 100, REQUEST_MS = 120000, HOSTS_MAX = 1000 };
#define ENDPOINT "tcp://127.0.0.1:17213"

typedef struct run run;

typedef struct host {
	run *run;
	uint32_t index;
	sot_uuid id;
	bus *bus;
	bus_client *client;
} host;

struct run {
	reactor *loop;
	PGconn *pg;
	char dir[64];
	sot_arena *arena;
	sot_buf frame;
	uint64_t hosts_count, answered, number;
	host hosts[HOSTS_MAX];
};

static pid_t server; /* must not outlive the bench, however it ends */

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_ipam_reports: %s: %s\n", what, why);
	if (server > 0)
		(void)kill(server, SIGTERM);
	exit(1);
}

static int64_t sql(run *r, const char *text)
{
	PGresult *res = PQexec(r->pg, text);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(text, PQerrorMessage(r->pg));
	int64_t value = 0;
	if (PQntuples(res) > 0 && sot_parse_i64(sot_str_c(PQgetvalue(res, 0, 0)), INT64_MIN, INT64_MAX,
	                              &value, NULL) != SOT_OK)
		value = 0;
	PQclear(res);
	return value;
}

/* ---- the world ---- */

static sot_uuid id_of(uint8_t kind, uint32_t number)
{
	return (sot_uuid){{kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, (uint8_t)(number >> 24),
	    (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

static void make_keys(run *r)
{
	char path[128];
	bus_keypair keys;
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/ipam.key", r->dir);
	if (bus_keypair_make(&keys, &err) != SOT_OK || bus_keypair_save(path, &keys, &err) != SOT_OK)
		die("keys", err.text);
	(void)snprintf(path, sizeof(path), "%s/ipam.pub", r->dir);
	if (sot_file_write(path, sot_str_c(keys.public_key), 0644, &err) != SOT_OK)
		die("keys", err.text);
}

/* Instance i has 10.0.0.0 + 1 + i and lives on host i / 100. */
static void make_rows(run *r)
{
	char text[1200];
	uint64_t count = r->hosts_count * USED;
	sql(r, "SET session_replication_role = replica"); /* instances without their app */
	sql(r, "INSERT INTO ipam.vlan (id, name, vlan_id) VALUES (gen_random_uuid(), 'lab', 0)");
	sql(r, "INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT gen_random_uuid(), id,"
	       " '10.0.0.0/12', '10.0.0.1', '10.15.255.254' FROM ipam.vlan");
	(void)snprintf(text, sizeof(text),
	    "CREATE TEMP TABLE made AS SELECT i, ('02000000-0000-7000-8000-0000' || lpad(to_hex(i), 8,"
	    " '0'))::uuid AS owner, ('01000000-0000-7000-8000-0000' || lpad(to_hex(i / %d), 8, "
	    "'0'))::uuid"
	    " AS host FROM generate_series(0, %" PRIu64 ") i",
	    USED, count - 1);
	sql(r, text);
	sql(r, "INSERT INTO ipam.address (address, subnet, state, owner, host, updated_at) SELECT"
	       " '10.0.0.1'::inet + i, s.id, 'bound', owner, host, now() - interval '1 hour' FROM made,"
	       " ipam.subnet s");
	sql(r, "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, "
	       "desired,"
	       " host_id, cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) SELECT "
	       "owner,"
	       " owner, owner, i, 'i' || i, 'running', 'healthy', 'running', host, 1, 1, 1, '', now(), "
	       "now()"
	       " FROM made");
	sql(r, "VACUUM ANALYZE ipam.address");
	sql(r, "VACUUM ANALYZE scheduler.instance");
}

static void start_server(run *r)
{
	extern char **environ;
	char keys[100], requests[100], hints[100], agents[] = "--agents_endpoint=" ENDPOINT,
	                                           database[200];
	char level[] = "--log_level=warn", binary[] = IPAM_BINARY;
	(void)snprintf(keys, sizeof(keys), "--keys_dir=%s", r->dir);
	(void)snprintf(requests, sizeof(requests), "--requests_endpoint=ipc://%s/requests", r->dir);
	(void)snprintf(hints, sizeof(hints), "--hints_endpoint=ipc://%s/hints", r->dir);
	(void)snprintf(database, sizeof(database), "--database=host=%s dbname=sotalia user=sot_ipam",
	    getenv("SOT_PG_DIR"));
	char *argv[] = {binary, keys, requests, hints, agents, database, level, NULL};
	if (posix_spawn(&server, binary, NULL, NULL, argv, environ) != 0)
		die("starting", IPAM_BINARY);
}

static void add_host(run *r, uint32_t index, const char *server_key)
{
	host *h = &r->hosts[index];
	char text[400], id[SOT_UUID_TEXT];
	bus_keypair keys;
	sot_err err = {0};
	h->run = r;
	h->index = index;
	h->id = id_of(1, index);
	if (bus_keypair_make(&keys, &err) != SOT_OK ||
	    bus_new(r->loop, &keys, &h->bus, &err) != SOT_OK ||
	    bus_connect(h->bus, "ipam", ENDPOINT, server_key, NULL, NULL, h, &h->client, &err) !=
	        SOT_OK)
		die("a host", err.text);
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at)"
	    " VALUES ('%s', 'h%u', 'a', 'r', $k$%s$k$, 'online', now())",
	    sot_uuid_format(h->id, id), index, keys.public_key);
	(void)sql(r, text);
}

static void open_world(run *r)
{
	char text[300], server_key[BUS_KEY_TEXT];
	sot_err err = {0};
	(void)snprintf(r->dir, sizeof(r->dir), "/tmp/sotalia-ipam-bench.XXXXXX");
	if (!mkdtemp(r->dir))
		die("mkdtemp", r->dir);
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=postgres", getenv("SOT_PG_DIR"));
	r->pg = PQconnectdb(text);
	if (PQstatus(r->pg) != CONNECTION_OK)
		die("connecting", PQerrorMessage(r->pg));
	make_keys(r);
	make_rows(r);
	(void)snprintf(text, sizeof(text), "%s/ipam.pub", r->dir);
	if (bus_public_key_load(text, server_key, &err) != SOT_OK ||
	    reactor_new(&r->loop, &err) != SOT_OK)
		die("bus", err.text);
	r->arena = sot_arena_new((size_t)1024 * 1024);
	sot_buf_init(&r->frame, SOT_WIRE_FRAME_MAX);
	for (uint32_t i = 0; i < r->hosts_count; i++)
		add_host(r, i, server_key);
	start_server(r);
}

static void close_world(run *r)
{
	static const char *const names[] = {
	    "ipam.key", "ipam.key_secret", "ipam.pub", "requests", "hints"};
	(void)kill(server, SIGTERM);
	(void)waitpid(server, NULL, 0);
	for (uint64_t i = 0; i < r->hosts_count; i++)
		bus_free(r->hosts[i].bus);
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

static void on_ack(void *self, const void *from, const sot_address_report_ack *m)
{
	(void)from;
	(void)m;
	((host *)self)->run->answered++;
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
	static const sot_ipam_agent_replies replies = {
	    .address_report_ack = on_ack, .refused = on_refused};
	host *h = self;
	sot_err err = {0};
	if (code != SOT_OK)
		die("report", why->text);
	sot_arena_reset(h->run->arena);
	if (sot_ipam_agent_dispatch_reply(&replies, h, NULL, frame, h->run->arena, &err) != SOT_OK)
		die("reply", err.text);
}

/* `foreign`: the last address is one that no row gives. */
static void send_report(run *r, host *h, bool foreign)
{
	sot_used_address used[USED];
	sot_err err = {0};
	for (uint32_t i = 0; i < USED; i++) {
		uint32_t number = h->index * USED + i;
		uint32_t address = 0x0a000001 + number;
		if (foreign && i == USED - 1)
			address += 0x00080000; /* free */
		used[i] = (sot_used_address){.address = sot_ip_from_v4(address),
		    .mac = {{2, 10, (uint8_t)(address >> 24), (uint8_t)(address >> 16),
		        (uint8_t)(address >> 8), (uint8_t)address}},
		    .instance_id = id_of(2, number),
		    .generation = 1,
		    .is_running = true};
	}
	sot_address_report m = {.request_id = bus_next_request_id(h->bus),
	    .boot_id = SOT_STR("boot"),
	    .report = r->number,
	    .parts = 1,
	    .taken_unix_ms = sot_wall_now().unix_ms,
	    .used = used,
	    .used_count = USED};
	sot_buf_reset(&r->frame);
	if (sot_address_report_encode(&m, &r->frame, &err) != SOT_OK ||
	    bus_request(h->client, m.request_id, sot_buf_str(&r->frame), REQUEST_MS, on_reply, h,
	        &err) != SOT_OK)
		die("report", err.text);
}

/* Seconds until all are acknowledged. */
static double report_all(run *r, bool foreign)
{
	r->number++;
	r->answered = 0;
	int64_t began = bench_now_ns();
	for (uint64_t i = 0; i < r->hosts_count; i++)
		send_report(r, &r->hosts[i], foreign);
	while (r->answered < r->hosts_count)
		reactor_turn(r->loop, 1000);
	return (double)(bench_now_ns() - began) / 1e9;
}

static void await_connections(run *r)
{
	uint64_t up = 0;
	while (up < r->hosts_count) {
		reactor_turn(r->loop, 100);
		up = 0;
		for (uint64_t i = 0; i < r->hosts_count; i++)
			up += bus_client_is_up(r->hosts[i].client);
	}
}

static void raise_descriptor_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int main(int argc, char **argv)
{
	static run r = {.hosts_count = HOSTS_MAX};
	static const char option[] = "--hosts=";
	sot_err err = {0};
	if (argc > 1 && strncmp(argv[1], option, sizeof(option) - 1) == 0 &&
	    sot_parse_u64(
	        sot_str_c(argv[1] + sizeof(option) - 1), 1, HOSTS_MAX, &r.hosts_count, &err) != SOT_OK)
		die("--hosts", err.text);
	if (!getenv("SOT_PG_DIR")) {
		execl(
		    PG_SCRIPT, PG_SCRIPT, "run", argv[0], argc > 1 ? argv[1] : (char *)NULL, (char *)NULL);
		die("starting", PG_SCRIPT);
	}
	raise_descriptor_limit();
	open_world(&r);
	await_connections(&r);
	double first_s = report_all(&r, false);
	if (sql(&r, "SELECT count(*) FROM ipam.finding") != 0)
		die("findings", "there are some although all is as the rows say");
	double same_s = report_all(&r, false);
	double foreign_s = report_all(&r, true);
	if (sql(&r, "SELECT count(*) FROM ipam.finding WHERE kind = 'foreign'") !=
	    (int64_t)r.hosts_count)
		die("findings", "not every foreign address was found");
	bool is_goal = r.hosts_count == HOSTS_MAX;
	bench *b = bench_new("ipam_reports");
	bench_figure(b, "ipam.reports_hosts", (double)r.hosts_count, "1", NULL, BENCH_NONE);
	bench_figure(b, "ipam.reports_first_s", first_s, "s", is_goal ? "<= 10" : NULL, BENCH_NONE);
	bench_figure(b, "ipam.reports_same_s", same_s, "s", is_goal ? "<= 10" : NULL, BENCH_NONE);
	bench_figure(b, "ipam.reports_foreign_s", foreign_s, "s", is_goal ? "<= 10" : NULL, BENCH_NONE);
	close_world(&r);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		die("writing", err.text);
	return 0;
}
