/* bench_ipam_history - "who had this address at this time?" among 10,000,000 events of a year.
 *
 * A scratch PostgreSQL (tests/pg.sh) with the year's monthly partitions, filled by INSERT ...
 * SELECT: 65,536 addresses that change hands about 150 times each. Then random questions, one at a
 * time, as the gateway asks them (ipam.address_holder_at, prepared). bench_ipam_history
 * [--events=N]
 */
#include "../bench.h"
#include "sot_mem.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <inttypes.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { QUESTIONS = 20000, ADDRESSES = 65536, CHUNK = 1000000, YEAR_S = 364 * 86400 };

static _Noreturn void die(const char *what, const char *why)
{
	(void)fprintf(stderr, "bench_ipam_history: %s: %s\n", what, why);
	exit(1);
}

static PGconn *connect_as(const char *role)
{
	char text[300];
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=%s", getenv("SOT_PG_DIR"), role);
	PGconn *pg = PQconnectdb(text);
	if (PQstatus(pg) != CONNECTION_OK)
		die("connecting", PQerrorMessage(pg));
	return pg;
}

static void sql(PGconn *pg, const char *text)
{
	PGresult *res = PQexec(pg, text);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		die(text, PQerrorMessage(pg));
	PQclear(res);
}

/* history_keep makes them ahead of time; the past year is made here. */
static void make_partitions(PGconn *pg)
{
	sql(pg, "DO $$ DECLARE m timestamptz; BEGIN FOR i IN 1..12 LOOP"
	        " m := date_trunc('month', now()) - i * interval '1 month';"
	        " EXECUTE format('CREATE TABLE IF NOT EXISTS ipam.%I PARTITION OF ipam.address_event"
	        " FOR VALUES FROM (%L) TO (%L)', 'address_event_' || to_char(m, 'YYYYMM'), m,"
	        " m + interval '1 month'); END LOOP; END $$");
}

/* Event k is of address (k * 7919) mod 65536, at an even pace: reserved, bound, released in turn.
 */
static void fill(PGconn *pg, uint64_t events)
{
	char text[700];
	for (uint64_t first = 0; first < events; first += CHUNK) {
		uint64_t last = first + CHUNK < events ? first + CHUNK : events;
		(void)snprintf(text, sizeof(text),
		    "INSERT INTO ipam.address_event (at, address, event, owner, host, generation, actor)"
		    " SELECT now() - interval '%d s' + k * interval '%.9f s',"
		    " '10.0.0.0'::inet + (k * 7919) %% %d,"
		    " (ARRAY['reserved', 'bound', 'released'])[1 + (k / %d) %% 3], gen_random_uuid(),"
		    " gen_random_uuid(), 1 + k / (3 * %d), 'svc:scheduler'"
		    " FROM generate_series(%" PRIu64 "::bigint, %" PRIu64 "::bigint) k",
		    YEAR_S, (double)YEAR_S / (double)events, ADDRESSES, ADDRESSES, ADDRESSES, first,
		    last - 1);
		sql(pg, text);
	}
	sql(pg, "VACUUM ANALYZE ipam.address_event");
}

/* One question at a random moment; true when somebody or nobody is known to have had it. */
static bool ask(PGconn *pg, sot_rand *rand)
{
	char address[40], at[40];
	uint64_t n = sot_rand_below(rand, ADDRESSES);
	(void)snprintf(address, sizeof(address), "10.0.%" PRIu64 ".%" PRIu64, n / 256, n % 256);
	(void)snprintf(at, sizeof(at), "-%" PRIu64 " s", sot_rand_below(rand, YEAR_S - 4 * 86400));
	const char *values[] = {address, at};
	PGresult *res = PQexecPrepared(pg, "who", 2, values, NULL, NULL, 0);
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		die("asking", PQerrorMessage(pg));
	bool is_known = PQntuples(res) == 1;
	PQclear(res);
	return is_known;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void measure(bench *b, uint64_t events)
{
	PGconn *pg = connect_as("sot_gateway");
	PQclear(PQprepare(pg, "who",
	    "SELECT at, event, owner, host FROM ipam.address_holder_at(0, $1::inet, now() + "
	    "$2::interval)",
	    2, NULL));
	sot_rand rand;
	sot_rand_seed(&rand, 1);
	int64_t *took_ns = sot_alloc_array(QUESTIONS, sizeof(*took_ns));
	size_t unknown = 0;
	for (size_t i = 0; i < QUESTIONS; i++) {
		int64_t began = bench_now_ns();
		unknown += !ask(pg, &rand);
		took_ns[i] = bench_now_ns() - began;
	}
	if (unknown > QUESTIONS / 100)
		die("asking", "most questions must have an answer");
	qsort(took_ns, QUESTIONS, sizeof(*took_ns), compare);
	bench_figure(b, "ipam.history_events", (double)events, "1", NULL, BENCH_NONE);
	bench_figure(
	    b, "ipam.history_p50_ms", (double)took_ns[QUESTIONS / 2] / 1e6, "ms", "<= 5", BENCH_NONE);
	bench_figure(b, "ipam.history_p99_ms", (double)took_ns[QUESTIONS * 99 / 100] / 1e6, "ms",
	    "<= 5", BENCH_NONE);
	free(took_ns);
	PQfinish(pg);
}

int main(int argc, char **argv)
{
	uint64_t events = 10000000;
	static const char option[] = "--events=";
	sot_err err = {0};
	if (argc > 1 && strncmp(argv[1], option, sizeof(option) - 1) == 0 &&
	    sot_parse_u64(sot_str_c(argv[1] + sizeof(option) - 1), 100000, 100000000, &events, &err) !=
	        SOT_OK)
		die("--events", err.text);
	if (!getenv("SOT_PG_DIR")) {
		(void)setenv("SOT_PG_OPTIONS", "-c fsync=off -c max_wal_size=4GB", 1);
		execl(
		    PG_SCRIPT, PG_SCRIPT, "run", argv[0], argc > 1 ? argv[1] : (char *)NULL, (char *)NULL);
		die("starting", PG_SCRIPT);
	}
	PGconn *pg = connect_as("postgres");
	make_partitions(pg);
	int64_t began = bench_now_ns();
	fill(pg, events);
	(void)printf("filled in %.0f s\n", (double)(bench_now_ns() - began) / 1e9);
	PQfinish(pg);
	bench *b = bench_new("ipam_history");
	measure(b, events);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		die("writing", err.text);
	return 0;
}
