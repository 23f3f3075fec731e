/* What fill and explanations cost, in processor time, because the machine is shared: two kinds of
 * work in turn, or the best of several clusters. docs/adr/0058 says what each figure compares. */
#include "ratios.h"

#include <stdlib.h>

enum {
	HOSTS = 10000,
	FULL = 100000,
	TENTH = FULL / 10,
	CLASSES = 24,
	SMALL_APP = 20,
	LARGE_APP = 100,
	WARM_UP = 600, /* every class has been asked for in every zone */
	TURNS = 20000,
	ROUNDS = 5,
	IN_TURN = 1000, /* decisions of a kind before the other kind */
	TURNS_OF_KINDS = 20,
	REFUSALS = 1000,
};

static double now_s(void)
{
	return (double)bench_cpu_ns() / 1e9;
}

/* ---- explanations ---- */

static double plain(fleet *f)
{
	double began = now_s();

	for (int i = 0; i < IN_TURN; i++)
		fleet_turn(f);
	return now_s() - began;
}

static double explained(fleet *f)
{
	placer_explanation why;
	double began = now_s();

	for (int i = 0; i < IN_TURN; i++) {
		fleet_leave(f);
		uint32_t app = fleet_random_app(f);
		if (placer_explain(f->placer, app, &why)) /* the choice is its own: core/explain.c */
			f->present[f->present_count++] = placer_place_on(f->placer, app, why.chosen.host);
	}
	return now_s() - began;
}

void bench_explanations(bench *b, fleet *f)
{
	double without = 0, with = 0, refusing = 0;
	placer_refusal refusal;

	for (int i = 0; i < TURNS_OF_KINDS; i++) {
		without += plain(f);
		with += explained(f);
	}
	for (int i = 0; i < REFUSALS; i++) {
		uint32_t app = fleet_random_app(f);
		double began = now_s();
		placer_refuse(f->placer, app, &refusal);
		refusing += now_s() - began;
	}
	bench_figure(
	    b, "placement.explained_cost_ratio", with / without, "decisions", "<= 2", BENCH_NONE);
	bench_figure(b, "placement.refusal_us", refusing / REFUSALS * 1e6, "us", NULL, BENCH_NONE);
}

/* ---- slow-down ---- */

/* The best of the rounds, in seconds. */
typedef struct best {
	double growth[2], churn[2], reports[2]; /* at 0, at 100,000 */
} best;

static void keep(double *lowest, double taken)
{
	*lowest = *lowest == 0 || taken < *lowest ? taken : *lowest;
}

static double growth(fleet *f)
{
	double began = now_s();

	fleet_fill(f, TENTH);
	return now_s() - began;
}

static double churn(fleet *f)
{
	double began = now_s();

	for (int i = 0; i < TURNS; i++)
		fleet_turn(f);
	return now_s() - began;
}

/* Requests that come and go, and a report of the live load of some host with each: the cluster
 * stays as full as it is, and hosts change wherever they stand, at 0 as at 100,000. */
static double reports(fleet *f)
{
	double began = now_s();

	for (int i = 0; i < TURNS; i++) {
		uint32_t host = (uint32_t)sot_rand_below(&f->rand, f->hosts), id;
		const uint16_t load[PLACER_LOADS] = {(uint16_t)sot_rand_below(&f->rand, 700)};
		placer_host_set_load(f->placer, host, load);
		if (placer_place(f->placer, fleet_random_app(f), 1, &id, NULL) == 1)
			placer_take(f->placer, id);
	}
	return now_s() - began;
}

static void measure(uint32_t app_size, best *ret)
{
	static fleet f;

	fleet_init_empty(&f, HOSTS, FULL, FULL / app_size, CLASSES);
	fleet_fill(&f, WARM_UP);
	keep(&ret->growth[0], growth(&f));
	keep(&ret->churn[0], churn(&f));
	fleet_fill(&f, FULL - WARM_UP - 2 * TENTH);
	keep(&ret->growth[1], growth(&f));
	keep(&ret->churn[1], churn(&f));
	(void)reports(&f);
	keep(&ret->reports[1], reports(&f));
	while (f.present_count > 0)
		placer_take(f.placer, f.present[--f.present_count]);
	(void)reports(&f);
	keep(&ret->reports[0], reports(&f));
	fleet_clear(&f);
}

static double percent(const double pair[2])
{
	return 100 * (pair[1] / pair[0] - 1);
}

void bench_slow_down(bench *b)
{
	best large = {0}, small = {0};

	for (int i = 0; i < ROUNDS; i++) {
		measure(LARGE_APP, &large);
		measure(SMALL_APP, &small);
	}
	bench_figure(b, "placement.slow_down_percent", percent(large.growth), "%", "<= 10", BENCH_NONE);
	bench_figure(b, "placement.slow_down_apps_of_20_percent", percent(small.growth), "%", "<= 10",
	    BENCH_NONE);
	bench_figure(
	    b, "placement.churn_slow_down_percent", percent(small.churn), "%", NULL, BENCH_NONE);
	bench_figure(
	    b, "placement.reports_slow_down_percent", percent(small.reports), "%", NULL, BENCH_NONE);
	bench_figure(
	    b, "placement.first_tenth_us", large.growth[0] / TENTH * 1e6, "us", NULL, BENCH_NONE);
	bench_figure(
	    b, "placement.last_tenth_us", large.growth[1] / TENTH * 1e6, "us", NULL, BENCH_NONE);
}
