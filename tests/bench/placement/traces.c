/* The tables over real clusters. */
#include "traces.h"

#include "sot_rand.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

placer *trace_placer(const trace *t, uint32_t zones, bool hard)
{
	static const placer_dim dims[TRACE_DIMS] = {
	    PLACER_CPU, PLACER_MEMORY, PLACER_DISK, PLACER_DEVICE_0, PLACER_DEVICE_1, PLACER_DEVICE_2};
	placer_config config = {.policy = placer_default_policy(), .slots = t->slots};
	placer *p = placer_new(&config);

	for (uint32_t z = 0; z < zones; z++) {
		(void)placer_az_add(p);
		(void)placer_rack_add(p, z);
	}
	for (uint32_t h = 0; h < t->hosts; h++) {
		placer_host_spec s = placer_host_blank(h % zones);
		for (int d = 0; d < TRACE_DIMS; d++)
			s.capacity[dims[d]] = t->host[h][d];
		(void)placer_host_add(p, &s);
	}
	for (uint32_t k = 0; k < t->shapes; k++) {
		placer_shape_spec s = {.profile = t->slots ? t->days + (size_t)k * 2 * t->slots : NULL};
		for (int d = 0; d < TRACE_DIMS; d++)
			s.need[dims[d]] = t->shape[k][d];
		placer_app_spec a = {
		    .shape = placer_shape_add(p, &s), .network = PLACER_NONE, .team = PLACER_NONE};
		a.spread[PLACER_AZ].max_skew = hard;
		(void)placer_app_add(p, &a);
	}
	for (uint32_t r = 0; r < t->rules; r++) {
		placer_rule rule = {
		    .level = PLACER_HOST, .a = t->rule[r].a, .b = t->rule[r].b, .k = t->rule[r].k};
		placer_rule_add(p, &rule);
	}
	return p;
}

/* One policy on one trace. */
typedef struct run {
	const trace *trace;
	policy_kind policy;
	placer *placer;
	scan *scan;
} run;

static void run_begin(run *r, const trace *t, policy_kind policy, uint32_t zones)
{
	*r = (run){.trace = t, .policy = policy};
	if (policy == POLICY_CORE) {
		r->placer = trace_placer(t, zones, zones > 1);
	} else {
		r->scan = scan_new(t);
	}
}

static void run_end(run *r)
{
	r->placer = placer_free(r->placer);
	if (r->scan)
		r->scan = scan_free(r->scan);
}

/* *ret_instance: the placer's handle, when the core placed it. */
static uint32_t run_place(run *r, uint32_t shape, uint32_t *ret_instance)
{
	if (r->scan)
		return scan_place(r->scan, r->policy, shape);
	if (placer_place(r->placer, shape, 1, ret_instance, NULL) == 0)
		return PLACER_NONE;
	placer_started(r->placer, *ret_instance);
	return placer_instance_host(r->placer, *ret_instance);
}

/* What the independent checkers read, in the folder of the bench's figures. */
static FILE *open_placement(const char *name, char path[static 4096])
{
	const char *folder = getenv("SOT_BENCH_DIR");

	(void)snprintf(path, 4096, "%s/placement-%s.csv", folder ? folder : ".", name);
	FILE *f = fopen(path, "w");
	if (!f)
		trace_die(path, "cannot be written");
	return f;
}

static void close_placement(FILE *f, const char *path)
{
	if (fclose(f) != 0)
		trace_die(path, "cannot be written");
	(void)printf("    written: %s\n", path);
}

/* instance,machine */
static void write_placement(const trace *t, const uint32_t *host_of, const char *name)
{
	char path[4096];
	FILE *f = open_placement(name, path);

	for (uint32_t i = 0; i < t->requests; i++) {
		if (host_of[i] != PLACER_NONE)
			(void)fprintf(f, "%s,%s\n", t->request_name[i], t->host_name[host_of[i]]);
	}
	close_placement(f, path);
}

/* ---- openb ---- */

/* The order of requests: the file's (seed 0) or shuffled, again and again. */
static void shuffle(uint32_t *order, uint32_t n, uint64_t seed)
{
	sot_rand rand;

	sot_rand_seed(&rand, seed);
	for (uint32_t i = 0; i < n; i++)
		order[i] = i;
	for (uint32_t i = n; seed && i-- > 1;) {
		uint32_t k = (uint32_t)sot_rand_below(&rand, i + 1), keep = order[i];
		order[i] = order[k];
		order[k] = keep;
	}
}

typedef struct filling {
	double first_refusal, final, per_s; /* percent of the dimension; decisions a second */
} filling;

/* Requests for 130 % of what there is of the dimension; one policy. Each request and its host
 * (none: refused) go to `f`, when it is not NULL. */
static filling fill(
    const trace *t, policy_kind policy, uint32_t zones, uint64_t seed, int dim, FILE *f)
{
	double capacity = 0, asked = 0, given = 0;
	filling result = {.first_refusal = -1};
	uint32_t *order = sot_alloc_array(t->requests, sizeof(*order)), decided = 0, id;
	run r;

	for (uint32_t h = 0; h < t->hosts; h++)
		capacity += t->host[h][dim];
	shuffle(order, t->requests, seed);
	run_begin(&r, t, policy, zones);
	int64_t began = bench_now_ns();
	for (; asked < 1.3 * capacity; decided++) {
		uint32_t shape = t->request[order[decided % t->requests]];
		uint32_t host = run_place(&r, shape, &id);
		asked += t->shape[shape][dim];
		if (f)
			(void)fprintf(f, "%s,%s\n", t->request_name[order[decided % t->requests]],
			    host == PLACER_NONE ? "" : t->host_name[host]);
		if (host != PLACER_NONE) {
			given += t->shape[shape][dim];
		} else if (result.first_refusal < 0) {
			result.first_refusal = 100 * given / capacity;
		}
	}
	result.per_s = decided / ((double)(bench_now_ns() - began) / 1e9);
	result.final = 100 * given / capacity;
	run_end(&r);
	free(order);
	return result;
}

enum { ORDERS = 4 }; /* the file's, and three shuffled ones */

/* Worst and mean over the orders. */
static filling fill_orders(const trace *t, policy_kind policy, uint32_t zones, int dim)
{
	filling all = {.first_refusal = 0};
	const char *separator = "";

	(void)printf("    %-12s", policy_names[policy]);
	for (uint64_t seed = 0; seed < ORDERS; seed++) {
		filling one = fill(t, policy, zones, seed, dim, NULL);
		(void)printf("%s%6.2f / %5.2f", separator, one.first_refusal, one.final);
		separator = "   ";
		all.first_refusal += one.first_refusal / ORDERS;
		all.final += one.final / ORDERS;
		all.per_s += one.per_s / ORDERS;
	}
	(void)printf("   %8.0f/s\n", all.per_s);
	return all;
}

/* The core's own, in the file's order, for the checker. */
static filling fill_and_write(const trace *t, uint32_t zones, int dim, const char *name)
{
	char path[4096];
	FILE *f = open_placement(name, path);
	filling result = fill(t, POLICY_CORE, zones, 0, dim, f);

	close_placement(f, path);
	return result;
}

static void openb_list(const char *folder, const char *list, bool gpus, filling of[POLICIES])
{
	trace *t = trace_read_openb(folder, list, gpus);
	int dim = gpus ? 3 : 0;

	(void)printf("  %s, %s: %% of %s at the first refusal / at 130 %% requested, file order and 3 "
	             "shuffled\n",
	    list, gpus ? "GPU as a countable" : "no GPU", gpus ? "GPU" : "cpu");
	for (int policy = 0; policy < POLICIES; policy++)
		of[policy] = fill_orders(t, (policy_kind)policy, 1, dim);
	char name[100];
	(void)snprintf(name, sizeof(name), "%.60s-%s", list, gpus ? "gpu" : "cpu");
	(void)fill_and_write(t, 1, dim, name);
	trace_free(t);
}

void bench_openb(bench *b, const char *folder)
{
	static const char *const lists[] = {
	    "openb_pod_list_default.csv", "openb_pod_list_cpu050.csv", "openb_pod_list_cpu100.csv"};
	filling of[POLICIES], gpu[POLICIES];

	for (size_t i = 3; i-- > 0;) {
		openb_list(folder, lists[i], true, gpu);
		openb_list(folder, lists[i], false, of);
	}
	trace *t = trace_read_openb(folder, lists[0], false);
	(void)printf("  %s, no GPU, hard spread of each size over 3 zones\n", lists[0]);
	filling zones = fill_orders(t, POLICY_CORE, 3, 0);
	(void)fill_and_write(t, 3, 0, "openb_pod_list_default.csv-zones");
	double file_order = fill(t, POLICY_CORE, 1, 0, 0, NULL).first_refusal;
	double best_fit = fill(t, POLICY_BEST_FIT, 1, 0, 0, NULL).first_refusal;
	trace_free(t);
	bench_figure(b, "placement.openb_first_refusal_percent", file_order, "%", ">= 98.1", best_fit);
	bench_figure(b, "placement.openb_first_refusal_shuffled_percent", of[POLICY_CORE].first_refusal,
	    "%", ">= 98.1", of[POLICY_BEST_FIT].first_refusal);
	bench_figure(b, "placement.openb_zones_first_refusal_percent", zones.first_refusal, "%",
	    ">= 97.5", BENCH_NONE);
	bench_figure(b, "placement.openb_gpu_percent", gpu[POLICY_CORE].final, "%", ">= 93.1",
	    gpu[POLICY_BEST_FIT].final);
	bench_figure(b, "placement.openb_gpu_decisions_per_s", gpu[POLICY_CORE].per_s, "1/s",
	    ">= 20000", gpu[POLICY_BEST_FIT].per_s);
}

/* ---- alibaba-2018-b ---- */

/* The competition's cost: mean over the day of 1 + 10 (exp(max(0, c - 0.5)) - 1), used hosts only.
 */
static double competition_cost(const trace *t, const uint32_t *host_of)
{
	size_t slots = t->slots;
	double *used = sot_alloc_array(t->hosts * slots, sizeof(*used)), cost = 0;
	bool *is_used = sot_alloc_array(t->hosts, sizeof(*is_used));

	for (uint32_t i = 0; i < t->requests; i++) {
		const int32_t *day = t->days + (size_t)t->request[i] * 2 * slots;
		if (host_of[i] == PLACER_NONE)
			continue;
		is_used[host_of[i]] = true;
		for (size_t s = 0; s < slots; s++)
			used[host_of[i] * slots + s] += day[s];
	}
	for (uint32_t h = 0; h < t->hosts; h++) {
		for (size_t s = 0; is_used[h] && s < slots; s++) {
			double share = used[h * slots + s] / t->host[h][0];
			cost += (1 + 10 * expm1(fmax(0, share - 0.5))) / (double)slots;
		}
	}
	free(used);
	free(is_used);
	return cost;
}

static void bench_rebalance(
    bench *b, const trace *t, placer *p, const uint32_t *instances, uint32_t *host_of)
{
	placer_rebalance options = {.max_moves = t->requests / 10, .min_gain = 0.002};
	placer_plan plan;
	sot_err err = {0};
	int64_t began = bench_now_ns();

	placer_plan_rebalance(p, &options, &plan);
	double seconds = (double)(bench_now_ns() - began) / 1e9;
	size_t moves = plan.move_count;
	if (placer_plan_apply(p, &plan, &err) != SOT_OK)
		trace_die("the rebalancing plan", err.text);
	placer_plan_clear(&plan);
	for (uint32_t i = 0; i < t->requests; i++)
		host_of[i] = placer_instance_host(p, instances[i]);
	double cost = competition_cost(t, host_of);
	(void)printf("    rebalanced   cost %8.1f   %zu moves   %.1f s\n", cost, moves, seconds);
	write_placement(t, host_of, "rebalanced");
	bench_figure(b, "placement.alibaba_rebalanced_cost", cost, "cost", "<= 6150", BENCH_NONE);
	bench_figure(b, "placement.alibaba_rebalance_moves", (double)moves, "moves", NULL, BENCH_NONE);
}

void bench_alibaba(bench *b, const char *folder)
{
	trace *t = trace_read_alibaba(folder);
	uint32_t *host_of = sot_alloc_array(t->requests, sizeof(*host_of));
	uint32_t *instances = sot_alloc_array(t->requests, sizeof(*instances));
	double costs[POLICIES];

	(void)printf("  alibaba-2018-b online, the file's order: %u hosts, %u apps, %u instances\n",
	    t->hosts, t->shapes, t->requests);
	for (int policy = 0; policy < POLICIES; policy++) {
		uint32_t placed = 0;
		run r;
		run_begin(&r, t, (policy_kind)policy, 1);
		int64_t began = bench_now_ns();
		for (uint32_t i = 0; i < t->requests; i++) {
			host_of[i] = run_place(&r, t->request[i], &instances[i]);
			placed += host_of[i] != PLACER_NONE;
		}
		double seconds = (double)(bench_now_ns() - began) / 1e9;
		costs[policy] = competition_cost(t, host_of);
		(void)printf("    %-12s cost %8.1f   %u placed   %.1f s\n", policy_names[policy],
		    costs[policy], placed, seconds);
		if (policy == POLICY_CORE) {
			write_placement(t, host_of, "online");
			bench_figure(b, "placement.alibaba_placed", placed, "instances", "= 68224", BENCH_NONE);
			bench_figure(b, "placement.alibaba_cost", costs[policy], "cost", "<= 6513",
			    costs[POLICY_BEST_FIT]);
			bench_rebalance(b, t, r.placer, instances, host_of);
		}
		run_end(&r);
	}
	free(host_of);
	free(instances);
	trace_free(t);
}
