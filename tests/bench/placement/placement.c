/* bench_placement - the placement core in process: decisions a second, latency, memory, what
 * explaining costs, beside an exact full scan in the same run; then real clusters, where
 * SOT_PLACEMENT_DATA names the folder of the data sets (traces.h).
 *
 * A decision is one request of a random app (mixed sizes, hard spread over zones, soft over racks
 * and hosts, tags, networks, quotas, rules among apps, work that does not mix), booked; with each
 * comes one random departure, so that the cluster stays as full as it is. A second is one of
 * processor time, for the peer too; latencies are by the clock on the wall.
 */
#include "../bench.h"
#include "columns.h"
#include "fleet.h"
#include "ratios.h"
#include "traces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TURNS = 200000,
	BATCH = 20,
	BATCHES = 5000,
	LATENCIES = 100000,
	SCANS = 20000,
};

static double seconds_since(int64_t began_ns)
{
	return (double)(bench_cpu_ns() - began_ns) / 1e9;
}

static double turns_per_s(fleet *f, uint32_t turns)
{
	int64_t began = bench_cpu_ns();

	for (uint32_t i = 0; i < turns; i++)
		fleet_turn(f);
	return turns / seconds_since(began);
}

/* Apps of BATCH and more: all instances of one request at once. Their departure is not counted. */
static double batches_per_s(fleet *f, uint32_t batches)
{
	uint32_t ids[BATCH], placed = 0;
	int64_t spent = 0;

	for (uint32_t i = 0; i < batches; i++) {
		uint32_t app = fleet_random_app(f);
		int64_t began = bench_cpu_ns();
		uint32_t count = placer_place(f->placer, app, BATCH, ids, NULL);
		spent += bench_cpu_ns() - began;
		placed += count;
		while (count-- > 0)
			placer_take(f->placer, ids[count]);
	}
	return placed / ((double)spent / 1e9);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static void latencies(bench *b, fleet *f)
{
	int64_t *took = sot_alloc_array(LATENCIES, sizeof(*took));

	for (uint32_t i = 0; i < LATENCIES; i++) {
		int64_t began = bench_now_ns();
		fleet_turn(f);
		took[i] = bench_now_ns() - began;
	}
	qsort(took, LATENCIES, sizeof(*took), compare);
	bench_figure(
	    b, "placement.decision_p50_us", (double)took[LATENCIES / 2] / 1e3, "us", NULL, BENCH_NONE);
	bench_figure(b, "placement.decision_p99_us", (double)took[LATENCIES * 99ull / 100] / 1e3, "us",
	    NULL, BENCH_NONE);
	free(took);
}

static double scans_per_s(const fleet *f, uint32_t scans)
{
	columns *c = columns_new(f->placer, f->hosts);
	int64_t began = bench_cpu_ns();

	for (uint32_t i = 0; i < scans; i++) {
		const int32_t need[COLUMN_DIMS] = {500 + 500 * (int32_t)(i % 8), 1024 << i % 4, 10, 50};
		uint32_t host = columns_place(c, need, i % 2, i % 3);
		if (host != PLACER_NONE && i % 2)
			columns_take(c, host, need);
	}
	double per_s = scans / seconds_since(began);
	columns_free(c);
	return per_s;
}

static void speed(bench *b)
{
	static fleet f;

	fleet_init(&f, 10000, 100000, 24);
	(void)turns_per_s(&f, TURNS / 4);
	double per_s = turns_per_s(&f, TURNS), scanned = scans_per_s(&f, SCANS);
	bench_figure(b, "placement.decisions_per_s", per_s, "1/s", ">= 200000", scanned);
	bench_figure(b, "placement.batch_decisions_per_s", batches_per_s(&f, BATCHES), "1/s",
	    ">= 1000000", scanned);
	latencies(b, &f);
	bench_explanations(b, &f);
	double bytes = (double)placer_memory_bytes(f.placer);
	bench_figure(b, "placement.memory_mib", bytes / (1 << 20), "MiB", "<= 64", BENCH_NONE);
	fleet_clear(&f);
	for (uint32_t classes = 96; classes <= 288; classes += 192) {
		char id[64];
		fleet_init(&f, 10000, 100000, classes);
		(void)snprintf(id, sizeof(id), "placement.decisions_%u_classes_per_s", classes);
		bench_figure(b, id, turns_per_s(&f, TURNS / 2), "1/s", NULL, BENCH_NONE);
		fleet_clear(&f);
	}
}

static void memory(bench *b)
{
	static fleet none, some;

	fleet_init(&none, 10000, 0, 24);
	fleet_init(&some, 10000, 100000, 24);
	double hosts = (double)placer_memory_bytes(none.placer);
	double both = (double)placer_memory_bytes(some.placer);
	bench_figure(b, "placement.bytes_per_host", hosts / 10000, "B", NULL, BENCH_NONE);
	bench_figure(b, "placement.bytes_per_instance", (both - hosts) / 100000, "B", NULL, BENCH_NONE);
	fleet_clear(&none);
	fleet_clear(&some);
}

static void large(bench *b)
{
	static fleet f;

	fleet_init(&f, 100000, 1000000, 24);
	(void)turns_per_s(&f, TURNS / 4);
	double per_s = turns_per_s(&f, TURNS / 2), scanned = scans_per_s(&f, SCANS / 20);
	bench_figure(b, "placement.large_decisions_per_s", per_s, "1/s", ">= 50000", scanned);
	bench_figure(b, "placement.large_batch_decisions_per_s", batches_per_s(&f, BATCHES / 2), "1/s",
	    ">= 500000", scanned);
	bench_figure(b, "placement.large_memory_mib", (double)placer_memory_bytes(f.placer) / (1 << 20),
	    "MiB", NULL, BENCH_NONE);
	fleet_clear(&f);
}

static void real_clusters(bench *b, const char *data, const char *only)
{
	char folder[4096];

	if (!data) {
		(void)printf("real clusters: left out, SOT_PLACEMENT_DATA names no folder\n");
		return;
	}
	if (!only || strcmp(only, "openb") == 0) {
		(void)snprintf(folder, sizeof(folder), "%s/openb", data);
		bench_openb(b, folder);
	}
	if (!only || strcmp(only, "alibaba") == 0) {
		(void)snprintf(folder, sizeof(folder), "%s/alibaba-2018-b", data);
		bench_alibaba(b, folder);
	}
}

/* bench_placement [speed | openb | alibaba]: all, or one part. */
int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : NULL;
	bench *b = bench_new("placement");
	sot_err err = {0};

	if (!only || strcmp(only, "speed") == 0) {
		speed(b);
		bench_slow_down(b);
		memory(b);
		large(b);
	}
	real_clusters(b, getenv("SOT_PLACEMENT_DATA"), only);
	sot_code code = bench_write(b, &err);
	bench_free(b);
	if (code != SOT_OK)
		trace_die("writing", err.text);
	return 0;
}
