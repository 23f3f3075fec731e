/* bench_ipam_reports - full reports of 1,000 hosts with 100 addresses each, all at once.
 *
 * The real sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on); every host has a key, a
 * socket and a connection of its own over TCP on loopback, all in this process. Measured from the
 * first frame to the last acknowledgement, which comes after the commit: once when all is as the
 * rows say, and once when one address in a hundred is used that nobody gave. bench_ipam_reports
 * [--hosts=N]       some 20 N descriptors and 2 N threads are needed
 */
#include "../bench.h"
#include "../ipam_rig.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
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
	ipam_rig *rig;
	sot_arena *arena;
	sot_buf frame;
	uint64_t hosts_count, answered, number;
	host hosts[HOSTS_MAX];
};

/* ---- the world ---- */

static sot_uuid id_of(uint8_t kind, uint32_t number)
{
	return (sot_uuid){{kind, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, (uint8_t)(number >> 24),
	    (uint8_t)(number >> 16), (uint8_t)(number >> 8), (uint8_t)number}};
}

/* Instance i has 10.0.0.0 + 1 + i and lives on host i / 100. */
static void make_rows(run *r)
{
	char text[1200];
	uint64_t count = r->hosts_count * USED;
	(void)rig_sql(
	    r->rig, "SET session_replication_role = replica"); /* instances without their app */
	(void)rig_sql(
	    r->rig, "INSERT INTO ipam.vlan (id, name, vlan_id) VALUES (gen_random_uuid(), 'lab', 0)");
	(void)rig_sql(r->rig,
	    "INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT gen_random_uuid(), id,"
	    " '10.0.0.0/12', '10.0.0.1', '10.15.255.254' FROM ipam.vlan");
	(void)snprintf(text, sizeof(text),
	    "CREATE TEMP TABLE made AS SELECT i, ('02000000-0000-7000-8000-0000' || lpad(to_hex(i), 8,"
	    " '0'))::uuid AS owner, ('01000000-0000-7000-8000-0000' || lpad(to_hex(i / %d), 8, "
	    "'0'))::uuid"
	    " AS host FROM generate_series(0, %" PRIu64 ") i",
	    USED, count - 1);
	(void)rig_sql(r->rig, text);
	(void)rig_sql(r->rig,
	    "INSERT INTO ipam.address (address, subnet, state, owner, host, updated_at) SELECT"
	    " '10.0.0.1'::inet + i, s.id, 'bound', owner, host, now() - interval '1 hour' FROM made,"
	    " ipam.subnet s");
	(void)rig_sql(r->rig,
	    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, "
	    "desired,"
	    " host_id, cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at) SELECT "
	    "owner,"
	    " owner, owner, i, 'i' || i, 'running', 'healthy', 'running', host, 1, 1, 1, '', now(), "
	    "now()"
	    " FROM made");
	(void)rig_sql(r->rig, "VACUUM ANALYZE ipam.address");
	(void)rig_sql(r->rig, "VACUUM ANALYZE scheduler.instance");
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
		rig_die("a host", err.text);
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, created_at)"
	    " VALUES ('%s', 'h%u', 'a', 'r', $k$%s$k$, 'online', now())",
	    sot_uuid_format(h->id, id), index, keys.public_key);
	(void)rig_sql(r->rig, text);
}

static void open_world(run *r)
{
	sot_err err = {0};
	r->rig = rig_open();
	make_rows(r);
	if (reactor_new(&r->loop, &err) != SOT_OK)
		rig_die("loop", err.text);
	r->arena = sot_arena_new((size_t)1024 * 1024);
	sot_buf_init(&r->frame, SOT_WIRE_FRAME_MAX);
	for (uint32_t i = 0; i < r->hosts_count; i++)
		add_host(r, i, r->rig->server_keys.public_key);
	rig_start_server(r->rig, ENDPOINT);
}

static void close_world(run *r)
{
	rig_end_server(r->rig);
	for (uint64_t i = 0; i < r->hosts_count; i++)
		bus_free(r->hosts[i].bus);
	reactor_free(r->loop);
	sot_arena_free(r->arena);
	sot_buf_clear(&r->frame);
	r->rig = rig_close(r->rig);
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
	rig_die("refused", text);
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_agent_replies replies = {
	    .address_report_ack = on_ack, .refused = on_refused};
	host *h = self;
	sot_err err = {0};
	if (code != SOT_OK)
		rig_die("report", why->text);
	sot_arena_reset(h->run->arena);
	if (sot_ipam_agent_dispatch_reply(&replies, h, NULL, frame, h->run->arena, &err) != SOT_OK)
		rig_die("reply", err.text);
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
		rig_die("report", err.text);
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
		rig_die("--hosts", err.text);
	rig_need_postgres(argv);
	raise_descriptor_limit();
	open_world(&r);
	await_connections(&r);
	double first_s = report_all(&r, false);
	if (rig_sql(r.rig, "SELECT count(*) FROM ipam.finding") != 0)
		rig_die("findings", "there are some although all is as the rows say");
	double same_s = report_all(&r, false);
	double foreign_s = report_all(&r, true);
	if (rig_sql(r.rig, "SELECT count(*) FROM ipam.finding WHERE kind = 'foreign'") !=
	    (int64_t)r.hosts_count)
		rig_die("findings", "not every foreign address was found");
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
		rig_die("writing", err.text);
	return 0;
}
