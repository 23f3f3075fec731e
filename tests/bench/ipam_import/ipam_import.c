/* bench_ipam_import - how long an import of 100,000 lines takes, from the request to its answer.
 *
 * The real sotalia-ipam on a scratch PostgreSQL (tests/pg.sh, fsync on), asked over a CURVE socket;
 * the file is staged before, as the gateway does it. Measured: a dry run into an empty database,
 * the import itself, and a dry run of the same file again (all unchanged). The peer of the import,
 * in the same run: one INSERT of as many rows, with history, into tables of the same shape.
 */
#include "../bench.h"
#include "../ipam_rig.h"
#include "sot_ip.h"
#include "sot_proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINES = 100000, PART_BYTES = 262144, REQUEST_MS = 120000, RUNS = 5 };

static const char *const id_text = "00000000-0000-7000-8000-0000000000aa";

typedef struct run {
	reactor *loop;
	bus *bus;
	bus_client *client;
	ipam_rig *rig;
	sot_arena *arena;
	sot_buf csv;
	unsigned number; /* of the request */
	bool is_done, is_applied;
	uint32_t errors;
} run;

/* ---- the world ---- */

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
	bus_keypair own_keys;
	char endpoint[100];
	sot_err err = {0};
	r->rig = rig_open();
	rig_make_keys(r->rig, "api-gateway", &own_keys);
	rig_start_server(r->rig, NULL);
	rig_requests_endpoint(r->rig, endpoint, sizeof(endpoint));
	if (reactor_new(&r->loop, &err) != SOT_OK ||
	    bus_new(r->loop, &own_keys, &r->bus, &err) != SOT_OK ||
	    bus_connect(r->bus, "ipam", endpoint, r->rig->server_keys.public_key, NULL, NULL, r,
	        &r->client, &err) != SOT_OK)
		rig_die("bus", err.text);
	r->arena = sot_arena_new((size_t)1024 * 1024);
	make_csv(r);
}

static void close_world(run *r)
{
	rig_end_server(r->rig);
	bus_client_free(r->client);
	bus_free(r->bus);
	reactor_free(r->loop);
	sot_arena_free(r->arena);
	sot_buf_clear(&r->csv);
	r->rig = rig_close(r->rig);
}

/* ---- an import ---- */

static void stage(run *r)
{
	(void)rig_sql(r->rig, "DELETE FROM ipam.import");
	for (int part = 0; (size_t)part * PART_BYTES < r->csv.n; part++) {
		char number[12];
		size_t from = (size_t)part * PART_BYTES;
		size_t n = r->csv.n - from < PART_BYTES ? r->csv.n - from : PART_BYTES;
		(void)snprintf(number, sizeof(number), "%d", part);
		const char *values[] = {id_text, number, r->csv.p + from};
		const int lengths[] = {0, 0, (int)n}, formats[] = {0, 0, 1};
		PGresult *res = PQexecParams(r->rig->pg,
		    "SELECT ipam.import_stage($1::uuid, 'user:bench', 'a file', $2::int4, $3::bytea)", 3,
		    NULL, values, lengths, formats, 0);
		if (PQresultStatus(res) != PGRES_TUPLES_OK)
			rig_die("staging", PQerrorMessage(r->rig->pg));
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
	rig_die("refused", text);
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_replies replies = {.import_done = on_done, .refused = on_refused};
	run *r = self;
	sot_err err = {0};
	if (code != SOT_OK)
		rig_die("request", why->text);
	sot_arena_reset(r->arena);
	if (sot_ipam_dispatch_reply(&replies, r, NULL, frame, r->arena, &err) != SOT_OK)
		rig_die("reply", err.text);
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
		rig_die("id", err.text);
	stage(r);
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	r->is_done = false;
	int64_t began = bench_now_ns();
	if (sot_import_run_encode(&m, &frame, &err) != SOT_OK ||
	    bus_request(r->client, m.request_id, sot_buf_str(&frame), REQUEST_MS, on_reply, r, &err) !=
	        SOT_OK)
		rig_die("request", err.text);
	while (!r->is_done)
		reactor_turn(r->loop, 1000);
	if (r->errors > 0 || r->is_applied == dry_run)
		rig_die("import", "it did not go as it should");
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
	(void)rig_sql(r->rig, "CREATE SCHEMA raw");
	(void)rig_sql(r->rig, "CREATE TABLE raw.address (LIKE ipam.address INCLUDING ALL)");
	(void)rig_sql(r->rig, "CREATE TABLE raw.address_event (LIKE ipam.address_event INCLUDING ALL)");
	int64_t began = bench_now_ns();
	(void)rig_sql(r->rig,
	    "WITH a AS (INSERT INTO raw.address (address, subnet, state, owner_name, reason)"
	    " SELECT '10.64.0.0'::inet + i, '00000000-0000-7000-8000-000000000001', 'static',"
	    " 'node-' || i, 'rack' FROM generate_series(1, 100000) i RETURNING *)"
	    " INSERT INTO raw.address_event (vrf, address, event, generation, actor)"
	    " SELECT vrf, address, 'static', generation, 'raw' FROM a");
	return (double)(bench_now_ns() - began) / 1e6;
}

int main(int argc, char **argv)
{
	(void)argc;
	rig_need_postgres(argv);
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
		rig_die("writing", err.text);
	return 0;
}
