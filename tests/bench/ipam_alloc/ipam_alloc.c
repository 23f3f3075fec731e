/* bench_ipam_alloc - durable address allocations a second, over CURVE sockets, to committed rows.
 *
 * The real sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on). 192 requests for one
 * address each are open all the time, on 16 connections: on ten /16 that are 10 % full, on ten that
 * are 99 % full, and pairs of allocation and release. One request at a time: granted, and refused
 * for want of an address. 64 clients that ask for exactly what is free. The restart with more than
 * a million rows. As many allocations as a minute of 20,000 a second has. The peer, in the same
 * run: one connection that inserts batches of 128 rows with history into tables of the same shape,
 * without bus, events and idempotency; and single rows. What the processes use of the processor
 * does not depend on what else the machine does: it is printed beside.
 */
#include "../bench.h"
#include "../ipam_rig.h"
#include "sot_file.h"
#include "sot_parse.h"
#include "sot_proto.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	CLIENTS = 16,
	CONTENDERS = 64,
	OPEN = 192,
	EMPTY_COUNT = 40000,
	PAIR_COUNT = 40000, /* requests: half of them releases */
	FULL_NETWORKS = 10,
	FULL_COUNT = 6000, /* of about 6,550 that are free */
	SINGLE_COUNT = 1000,
	EXACT_COUNT = 6400, /* free addresses of the contended VLAN */
	LONG_COUNT = 1200000,
	LONG_OCTET = 40,
	RAW_BATCH = 128,
	REQUEST_MS = 60000,
};

typedef struct run run;

typedef struct flight {
	run *run;
	int64_t began_ns;
	bool holds; /* pairs: the next request gives this back */
	sot_address_ref ref;
} flight;

struct run {
	reactor *loop;
	bus *bus;
	bus_client *clients[CONTENDERS];
	char endpoint[100];
	ipam_rig *rig;
	sot_arena *arena;
	sot_buf frame;
	flight flights[OPEN];
	const char *network_format;
	bool is_pairs;
	uint32_t clients_used, networks;
	uint32_t sent, answered, granted, refused, total, next_owner;
	int64_t *took_ns;
};

/* ---- the world ---- */

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
	(void)rig_sql(r->rig, text);
}

/* Every `of_hundred`th of a hundred addresses is held. */
static void fill_networks(run *r, const char *name, int of_hundred)
{
	char text[500];
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO ipam.address (address, subnet, state, owner) SELECT s.first + i, s.id,"
	    " 'bound', gen_random_uuid() FROM ipam.subnet s JOIN ipam.vlan v ON v.id = s.vlan,"
	    " generate_series(0, 65533) i WHERE v.name LIKE '%s%%' AND (i * 7919) %% 100 < %d",
	    name, of_hundred);
	(void)rig_sql(r->rig, text);
}

/* What the making of the world leaves to be written is not what is measured. */
static void settle(run *r)
{
	(void)rig_sql(r->rig, "VACUUM ANALYZE ipam.address");
	(void)rig_sql(r->rig, "CHECKPOINT");
}

/* One VLAN that gives out exactly EXACT_COUNT addresses. */
static void make_exact(run *r)
{
	char text[400];
	(void)snprintf(text, sizeof(text),
	    "WITH v AS (INSERT INTO ipam.vlan (id, name, vlan_id) VALUES (gen_random_uuid(), 'exact0',"
	    " 9) RETURNING id) INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT"
	    " gen_random_uuid(), id, '10.99.0.0/16', '10.99.0.1', '10.99.0.0'::inet + %d FROM v",
	    EXACT_COUNT);
	(void)rig_sql(r->rig, text);
}

/* Exactly so many connections: each one costs this process something in every turn. */
static void connect_clients(run *r, uint32_t count)
{
	sot_err err = {0};
	for (uint32_t i = 0; i < CONTENDERS; i++) {
		if (i >= count)
			r->clients[i] = bus_client_free(r->clients[i]);
		else if (!r->clients[i] &&
		         bus_connect(r->bus, "ipam", r->endpoint, r->rig->server_keys.public_key, NULL,
		             NULL, r, &r->clients[i], &err) != SOT_OK)
			rig_die("bus", err.text);
	}
	while (!bus_client_is_up(r->clients[count - 1]))
		reactor_turn(r->loop, 1000);
}

static void open_world(run *r)
{
	bus_keypair own_keys;
	sot_err err = {0};
	r->rig = rig_open();
	rig_make_keys(r->rig, "scheduler", &own_keys);
	make_networks(r, "empty", 0);
	make_networks(r, "full", FULL_NETWORKS);
	make_networks(r, "pair", 2 * FULL_NETWORKS);
	fill_networks(r, "empty", 10);
	fill_networks(r, "full", 99);
	make_exact(r);
	settle(r);
	rig_start_server(r->rig, NULL);
	if (reactor_new(&r->loop, &err) != SOT_OK ||
	    bus_new(r->loop, &own_keys, &r->bus, &err) != SOT_OK)
		rig_die("bus", err.text);
	rig_requests_endpoint(r->rig, r->endpoint, sizeof(r->endpoint));
	r->arena = sot_arena_new((size_t)1024 * 1024);
	sot_buf_init(&r->frame, SOT_WIRE_FRAME_MAX);
}

static void close_world(run *r)
{
	rig_end_server(r->rig);
	for (int i = 0; i < CONTENDERS; i++)
		bus_client_free(r->clients[i]);
	bus_free(r->bus);
	reactor_free(r->loop);
	sot_arena_free(r->arena);
	sot_buf_clear(&r->frame);
	r->rig = rig_close(r->rig);
}

/* ---- load ---- */

static void send_next(run *r, flight *f);

static void on_granted(void *self, const void *from, const sot_addresses_granted *m)
{
	(void)from;
	flight *f = self;
	if (m->grants_count != 1)
		rig_die("grants", "not one");
	f->holds = f->run->is_pairs;
	f->ref = (sot_address_ref){.owner = m->grants[0].owner,
	    .address = m->grants[0].address,
	    .generation = m->grants[0].generation};
	f->run->granted++;
}

static void on_done(void *self, const void *from, const sot_addresses_done *m)
{
	(void)from;
	flight *f = self;
	if (m->changed != 1)
		rig_die("release", "not changed");
	f->holds = false;
}

static void on_refused(void *self, const void *from, const sot_refused *m)
{
	(void)from;
	flight *f = self;
	char text[200];
	(void)snprintf(text, sizeof(text), "%.*s", SOT_ARG(m->text));
	if (m->code != SOT_REFUSAL_BLOCKED)
		rig_die("refused", text);
	f->run->refused++;
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_replies replies = {
	    .addresses_granted = on_granted, .addresses_done = on_done, .refused = on_refused};
	flight *f = self;
	run *r = f->run;
	sot_err err = {0};
	if (code != SOT_OK)
		rig_die("request", why->text);
	sot_arena_reset(r->arena);
	if (sot_ipam_dispatch_reply(&replies, f, NULL, frame, r->arena, &err) != SOT_OK)
		rig_die("reply", err.text);
	r->took_ns[r->answered++] = bench_now_ns() - f->began_ns;
	if (r->sent < r->total)
		send_next(r, f);
}

static sot_code encode_acquire(run *r, uint64_t request_id, sot_err *err)
{
	char network[32];
	uint32_t owner = r->next_owner++;
	(void)snprintf(network, sizeof(network), "%s%u", r->network_format, r->sent % r->networks);
	sot_address_want want = {.owner = {{1}}, .vlan = sot_str_c(network)};
	memcpy(want.owner.b + 12, &owner, sizeof(owner));
	sot_addresses_acquire m = {.request_id = request_id,
	    .actor = SOT_STR("svc:scheduler"),
	    .wants = &want,
	    .wants_count = 1};
	return sot_addresses_acquire_encode(&m, &r->frame, err);
}

static sot_code encode_release(run *r, flight *f, uint64_t request_id, sot_err *err)
{
	sot_addresses_release m = {.request_id = request_id,
	    .actor = SOT_STR("svc:scheduler"),
	    .refs = &f->ref,
	    .refs_count = 1};
	return sot_addresses_release_encode(&m, &r->frame, err);
}

static void send_next(run *r, flight *f)
{
	sot_err err = {0};
	uint64_t id = bus_next_request_id(r->bus);
	sot_buf_reset(&r->frame);
	f->began_ns = bench_now_ns();
	sot_code code = f->holds ? encode_release(r, f, id, &err) : encode_acquire(r, id, &err);
	if (code != SOT_OK || bus_request(r->clients[r->sent % r->clients_used], id,
	                          sot_buf_str(&r->frame), REQUEST_MS, on_reply, f, &err) != SOT_OK)
		rig_die("request", err.text);
	r->sent++;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* What a phase of the bench asks for. */
typedef struct phase {
	const char *networks;
	uint32_t network_count, total, open, clients;
	bool is_pairs;
} phase;

/* Requests a second; latencies stay in took_ns, sorted. */
static double measure(run *r, phase p)
{
	r->network_format = p.networks;
	r->networks = p.network_count;
	r->is_pairs = p.is_pairs;
	r->clients_used = p.clients ? p.clients : CLIENTS;
	connect_clients(r, r->clients_used);
	r->sent = r->answered = r->granted = r->refused = 0;
	r->total = p.total;
	r->took_ns = sot_grow_array(r->took_ns, 0, p.total, sizeof(*r->took_ns));
	int64_t began = bench_now_ns();
	for (uint32_t i = 0; i < p.open; i++) {
		r->flights[i] = (flight){.run = r};
		send_next(r, &r->flights[i]);
	}
	while (r->answered < p.total)
		reactor_turn(r->loop, 1000);
	double seconds = (double)(bench_now_ns() - began) / 1e9;
	qsort(r->took_ns, p.total, sizeof(*r->took_ns), compare);
	return (double)p.total / seconds;
}

static double part_ms(const run *r, uint32_t of_hundred)
{
	return (double)r->took_ns[(uint64_t)r->total * of_hundred / 100] / 1e6;
}

/* ---- what processes use ---- */

/* Seconds of processor of a process; 0 when it is gone. */
static double processor_s(pid_t pid, pid_t *ret_parent)
{
	char path[64];
	sot_err err = {0};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4096);
	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (sot_file_read(path, &text, &err) != SOT_OK || sot_buf_failed(&text))
		return 0;
	sot_str rest = sot_buf_str(&text);
	while (rest.n > 0 && memchr(rest.p, ')', rest.n))
		(void)sot_str_cut(rest, ')', &rest);
	uint64_t fields[15] = {0};
	for (size_t i = 2; i < 15 && rest.n > 0; i++) {
		sot_str word = sot_str_cut(i == 2 ? (sot_str){rest.p + 1, rest.n - 1} : rest, ' ', &rest);
		if (sot_parse_u64(word, 0, UINT64_MAX, &fields[i], &err) != SOT_OK)
			fields[i] = 0; /* the state, a letter */
	}
	*ret_parent = (pid_t)fields[3];
	return (double)(fields[13] + fields[14]) / (double)sysconf(_SC_CLK_TCK);
}

static double ipam_used_s(const run *r)
{
	pid_t parent = 0;
	return processor_s(r->rig->server, &parent);
}

static double postgres_used_s(void)
{
	pid_t parent = 0;
	uint64_t postmaster = 0;
	double sum = 0;
	if (sot_parse_u64(sot_str_c(getenv("SOT_PG_PID")), 1, INT32_MAX, &postmaster, NULL) != SOT_OK)
		rig_die("SOT_PG_PID", "is no process");
	DIR *proc = opendir("/proc");
	for (struct dirent *entry = proc ? readdir(proc) : NULL; entry; entry = readdir(proc)) {
		uint64_t pid = 0;
		if (sot_parse_u64(sot_str_c(entry->d_name), 1, INT32_MAX, &pid, NULL) != SOT_OK)
			continue;
		double used = processor_s((pid_t)pid, &parent);
		if (parent == (pid_t)postmaster)
			sum += used;
	}
	if (proc)
		(void)closedir(proc);
	return sum;
}

/* ---- the peer ---- */

static double raw_insert(run *r)
{
	(void)rig_sql(r->rig, "CREATE SCHEMA raw");
	(void)rig_sql(r->rig, "CREATE TABLE raw.address (LIKE ipam.address INCLUDING ALL)");
	(void)rig_sql(r->rig, "CREATE TABLE raw.address_event (LIKE ipam.address_event INCLUDING ALL)");
	(void)rig_sql(r->rig,
	    "PREPARE put AS WITH a AS (INSERT INTO raw.address (address, subnet, state, owner)"
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
		(void)rig_sql(r->rig, text);
	}
	return (double)done / ((double)(bench_now_ns() - began) / 1e9);
}

/* The least that a durable row with its history costs here: one, by itself. */
static double raw_single_p50_ms(run *r)
{
	int64_t took_ns[SINGLE_COUNT];
	(void)rig_sql(r->rig,
	    "PREPARE one AS WITH a AS (INSERT INTO raw.address (address, subnet, state, owner) VALUES"
	    " ('10.200.0.0'::inet + $1, $2, 'reserved', gen_random_uuid()) RETURNING *)"
	    " INSERT INTO raw.address_event (address, event, owner, generation, actor)"
	    " SELECT address, 'reserved', owner, generation, 'raw' FROM a");
	for (uint32_t i = 0; i < SINGLE_COUNT; i++) {
		char text[120];
		(void)snprintf(
		    text, sizeof(text), "EXECUTE one(%u, '00000000-0000-7000-8000-000000000001')", i);
		int64_t began = bench_now_ns();
		(void)rig_sql(r->rig, text);
		took_ns[i] = bench_now_ns() - began;
	}
	qsort(took_ns, SINGLE_COUNT, sizeof(took_ns[0]), compare);
	return (double)took_ns[SINGLE_COUNT / 2] / 1e6;
}

/* ---- the phases ---- */

static void bench_load(run *r, bench *b, double raw_rate)
{
	(void)measure(r, (phase){"empty", FULL_NETWORKS, OPEN, OPEN, 0, false}); /* connects */
	double ipam_s = ipam_used_s(r), postgres_s = postgres_used_s();
	double rate = measure(r, (phase){"empty", FULL_NETWORKS, EMPTY_COUNT, OPEN, 0, false});
	ipam_s = ipam_used_s(r) - ipam_s;
	postgres_s = postgres_used_s() - postgres_s;
	bench_figure(b, "ipam.alloc_per_s", rate, "1/s", ">= 20000", raw_rate);
	bench_figure(b, "ipam.alloc_p99_ms", part_ms(r, 99), "ms", "<= 15", BENCH_NONE);
	bench_figure(b, "ipam.cpu_us_per_alloc", ipam_s * 1e6 / EMPTY_COUNT, "us", NULL, BENCH_NONE);
	bench_figure(b, "ipam.postgres_cpu_us_per_alloc", postgres_s * 1e6 / EMPTY_COUNT, "us", NULL,
	    BENCH_NONE);
	double full_rate = measure(r, (phase){"full", FULL_NETWORKS, FULL_COUNT, OPEN, 0, false});
	bench_figure(b, "ipam.full99_per_s", full_rate, "1/s", ">= 20000", raw_rate);
	bench_figure(b, "ipam.full99_p99_ms", part_ms(r, 99), "ms", "<= 15", BENCH_NONE);
	bench_figure(b, "ipam.full99_ratio", full_rate / rate, "ratio", ">= 0.9", BENCH_NONE);
	double pairs = measure(r, (phase){"pair", FULL_NETWORKS, PAIR_COUNT, OPEN, 0, true}) / 2;
	bench_figure(b, "ipam.pairs_per_s", pairs, "1/s", ">= 12000", BENCH_NONE);
	bench_figure(b, "ipam.pairs_p99_ms", part_ms(r, 99), "ms", "<= 15", BENCH_NONE);
}

static void bench_exact(run *r, bench *b)
{
	phase p = {"exact", 1, EXACT_COUNT, CONTENDERS, CONTENDERS, false};
	double rate = measure(r, p);
	bench_figure(b, "ipam.contended_granted", r->granted, "addresses", "= 6400", BENCH_NONE);
	bench_figure(b, "ipam.contended_per_s", rate, "1/s", NULL, BENCH_NONE);
	(void)measure(r, (phase){"exact", 1, SINGLE_COUNT, 1, 1, false});
	if (r->refused != SINGLE_COUNT)
		rig_die("refusals", "an address was granted where none is left");
	bench_figure(b, "ipam.refusal_p50_ms", part_ms(r, 50), "ms", "<= 1", BENCH_NONE);
	bench_figure(b, "ipam.refusal_p99_ms", part_ms(r, 99), "ms", NULL, BENCH_NONE);
	double refusals = measure(r, (phase){"exact", 1, EMPTY_COUNT / 4, OPEN, 0, false});
	bench_figure(b, "ipam.full100_per_s", refusals, "1/s", ">= 20000", BENCH_NONE);
	bench_figure(b, "ipam.full100_p99_ms", part_ms(r, 99), "ms", "<= 15", BENCH_NONE);
}

static void bench_single(run *r, bench *b)
{
	(void)measure(r, (phase){"empty", FULL_NETWORKS, SINGLE_COUNT, 1, 1, false});
	bench_figure(b, "ipam.single_p50_ms", part_ms(r, 50), "ms", "<= 1", raw_single_p50_ms(r));
	bench_figure(b, "ipam.single_p99_ms", part_ms(r, 99), "ms", "<= 5", BENCH_NONE);
}

/* As many as 20,000 a second for a minute are: with the checkpoints and the growth of the tables
 * that come with them. */
static void bench_long(run *r, bench *b)
{
	make_networks(r, "long", LONG_OCTET);
	make_networks(r, "longer", LONG_OCTET + FULL_NETWORKS);
	(void)rig_sql(r->rig, "UPDATE ipam.vlan SET name = 'long' || (10 + right(name, 1)::int)"
	                      " WHERE name LIKE 'longer%'");
	rig_end_server(r->rig);
	rig_start_server(r->rig, NULL);
	(void)measure(r, (phase){"long", 2 * FULL_NETWORKS, OPEN, OPEN, 0, false}); /* connects */
	double rate = measure(r, (phase){"long", 2 * FULL_NETWORKS, LONG_COUNT, OPEN, 0, false});
	if (r->granted != LONG_COUNT)
		rig_die("long", "not all were granted");
	bench_figure(b, "ipam.long_per_s", rate, "1/s", ">= 20000", BENCH_NONE);
	bench_figure(b, "ipam.long_p99_ms", part_ms(r, 99), "ms", "<= 15", BENCH_NONE);
}

static void bench_restart(run *r, bench *b)
{
	make_networks(r, "million", 100);
	make_networks(r, "more", 120);
	fill_networks(r, "million", 90);
	fill_networks(r, "more", 90);
	settle(r);
	rig_end_server(r->rig);
	int64_t began = bench_now_ns();
	rig_start_server(r->rig, NULL);
	(void)measure(r, (phase){"empty", 1, 1, 1, 1, false});
	double seconds = (double)(bench_now_ns() - began) / 1e9;
	bench_figure(b, "ipam.restart_s", seconds, "s", "<= 2", BENCH_NONE);
}

int main(int argc, char **argv)
{
	(void)argc;
	rig_need_postgres(argv);
	static run r;
	open_world(&r);
	bench *b = bench_new("ipam_alloc");
	bench_load(&r, b, raw_insert(&r));
	bench_exact(&r, b);
	bench_single(&r, b);
	bench_restart(&r, b);
	bench_long(&r, b);
	close_world(&r);
	free(r.took_ns);
	sot_err err = {0};
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		rig_die("writing", err.text);
	return 0;
}
