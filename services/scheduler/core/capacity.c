/* What there is, what is booked, what fits: the standing report of the fleet. */
#include "capacity.h"

#include "rebalance.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Sums over hosts; memory and disk in bytes. */
typedef struct amounts {
	uint64_t cpu_milli, memory_bytes, disk_bytes;
} amounts;

typedef struct group_sum {
	const host *first; /* its place and class are those of all */
	uint32_t hosts, open, load_known;
	uint64_t load_permille[PLACER_LOADS];
	amounts total, reserved, booked, free;
} group_sum;

static void add_member(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, "\"%s\":", name);
	sot_buf_add_json(out, sot_str_c(value));
}

static void add_amounts(sot_buf *out, const char *name, const amounts *a)
{
	sot_buf_printf(out,
	    ",\"%s\":{\"cpuMilli\":%" PRIu64 ",\"memoryBytes\":%" PRIu64 ",\"diskBytes\":%" PRIu64 "}",
	    name, a->cpu_milli, a->memory_bytes, a->disk_bytes);
}

static bool is_open(const controller *c, const host *h)
{
	return placer_host_spec_of(c->fleet.placer, h->handle)->state == PLACER_OPEN;
}

static int32_t free_of(const controller *c, const host *h, placer_dim dim)
{
	int32_t left = placer_host_free(c->fleet.placer, h->handle, dim);

	return left > 0 ? left : 0;
}

/* ---- by zone, rack and class ---- */

static int by_place(const void *a, const void *b)
{
	const host_row *x = &(*(const host *const *)a)->row, *y = &(*(const host *const *)b)->row;
	int order = strcmp(x->az, y->az);

	if (order == 0)
		order = strcmp(x->rack, y->rack);
	if (order == 0)
		order = strcmp(x->class, y->class);
	return order ? order : strcmp(x->name, y->name);
}

/* Hosts that are not retired, by zone, rack, class and name. The caller frees the array. */
static const host **present_hosts(const controller *c, size_t *ret_count)
{
	const host **list = sot_alloc_array(sot_index_count(c->hosts) + 1, sizeof(*list));
	size_t n = 0;

	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		const host *h = SOT_CONTAINER(l, host, all);
		if (h->row.state != HOST_RETIRED)
			list[n++] = h;
	}
	qsort(list, n, sizeof(*list), by_place);
	*ret_count = n;
	return list;
}

static void add_host_to(const controller *c, group_sum *g, const host *h)
{
	const placer_host_spec *spec = placer_host_spec_of(c->fleet.placer, h->handle);

	g->first = g->hosts++ == 0 ? h : g->first;
	g->total.cpu_milli += h->row.cpu_milli;
	g->total.memory_bytes += h->row.memory_bytes;
	g->total.disk_bytes += h->row.disk_bytes;
	g->reserved.cpu_milli += h->row.reserve_cpu_milli;
	g->reserved.memory_bytes += h->row.reserve_memory_bytes;
	g->reserved.disk_bytes += h->row.reserve_disk_bytes;
	g->booked.cpu_milli += h->row.booked_cpu_milli;
	g->booked.memory_bytes += h->row.booked_memory_bytes;
	g->booked.disk_bytes += h->row.booked_disk_bytes;
	if (spec->load_permille[0] != PLACER_LOAD_UNKNOWN) {
		g->load_known++;
		for (int k = 0; k < PLACER_LOADS; k++)
			g->load_permille[k] += spec->load_permille[k];
	}
	if (spec->state != PLACER_OPEN)
		return;
	g->open++;
	g->free.cpu_milli += (uint64_t)free_of(c, h, PLACER_CPU);
	g->free.memory_bytes += (uint64_t)free_of(c, h, PLACER_MEMORY) << 20;
	g->free.disk_bytes += (uint64_t)free_of(c, h, PLACER_DISK) << 20;
}

static void add_sums(sot_buf *out, const group_sum *g)
{
	sot_buf_printf(out, "\"hosts\":%" PRIu32 ",\"open\":%" PRIu32, g->hosts, g->open);
	add_amounts(out, "total", &g->total);
	add_amounts(out, "reserved", &g->reserved);
	add_amounts(out, "booked", &g->booked);
	add_amounts(out, "free", &g->free);
	if (g->load_known == 0) {
		sot_buf_add_c(out, ",\"live\":null");
		return;
	}
	sot_buf_printf(out,
	    ",\"live\":{\"cpuPermille\":%" PRIu64 ",\"memoryPermille\":%" PRIu64 ",\"hosts\":%" PRIu32
	    "}",
	    g->load_permille[0] / g->load_known, g->load_permille[1] / g->load_known, g->load_known);
}

static bool same_group(const host *a, const host *b)
{
	return strcmp(a->row.az, b->row.az) == 0 && strcmp(a->row.rack, b->row.rack) == 0 &&
	       strcmp(a->row.class, b->row.class) == 0;
}

static void add_groups(const controller *c, const host *const *list, size_t count, sot_buf *out)
{
	group_sum all = {0};

	sot_buf_add_c(out, ",\"groups\":[");
	for (size_t k = 0; k < count;) {
		group_sum g = {0};
		size_t first = k;
		for (; k < count && same_group(list[first], list[k]); k++) {
			add_host_to(c, &g, list[k]);
			add_host_to(c, &all, list[k]);
		}
		sot_buf_add_c(out, first ? ",{" : "{");
		add_member(out, "az", g.first->row.az);
		sot_buf_add_c(out, ",");
		add_member(out, "rack", g.first->row.rack);
		sot_buf_add_c(out, ",");
		add_member(out, "class", g.first->row.class);
		sot_buf_add_c(out, ",");
		add_sums(out, &g);
		sot_buf_add_c(out, "}");
	}
	sot_buf_add_c(out, "],\"all\":{");
	add_sums(out, &all);
	sot_buf_add_c(out, "}");
}

/* ---- what fits ---- */

static void need_of(const plan_row *p, int32_t need[PLACER_DIMS])
{
	memset(need, 0, PLACER_DIMS * sizeof(*need));
	need[PLACER_CPU] = (int32_t)p->cpu_milli;
	need[PLACER_MEMORY] = (int32_t)((p->memory_bytes + (1 << 20) - 1) >> 20);
	need[PLACER_DISK] = (int32_t)((p->disk_bytes + (1 << 20) - 1) >> 20);
	need[PLACER_INSTANCES] = 1;
}

static uint32_t fits_on(const controller *c, uint32_t handle, const int32_t need[PLACER_DIMS])
{
	int32_t most = PLACER_UNLIMITED;

	for (int d = 0; d < PLACER_DIMS; d++) {
		int32_t left = placer_host_free(c->fleet.placer, handle, (placer_dim)d);
		if (need[d] > 0 && left / need[d] < most)
			most = left > 0 ? left / need[d] : 0;
	}
	return (uint32_t)most;
}

plan_fit capacity_plan_fit(const controller *c, const plan_row *p)
{
	plan_fit fit = {0, 0};
	int32_t need[PLACER_DIMS];

	need_of(p, need);
	for (uint32_t h = 0; h < placer_host_count(c->fleet.placer); h++) {
		if (placer_host_spec_of(c->fleet.placer, h)->state != PLACER_OPEN)
			continue;
		uint32_t own = fits_on(c, h, need);
		fit.instances += own;
		fit.hosts += own > 0;
	}
	return fit;
}

static int by_size(const void *a, const void *b)
{
	const plan_row *x = *(const plan_row *const *)a, *y = *(const plan_row *const *)b;

	if (x->memory_bytes != y->memory_bytes)
		return x->memory_bytes < y->memory_bytes ? -1 : 1;
	if (x->cpu_milli != y->cpu_milli)
		return x->cpu_milli < y->cpu_milli ? -1 : 1;
	return strcmp(x->name, y->name);
}

const plan_row **capacity_plans(const controller *c, size_t *ret_count)
{
	const plan_row **list = sot_alloc_array(sot_map_count(c->plans) + 1, sizeof(*list));
	sot_map_iter it = {0};
	const plan_row *p;
	size_t n = 0;

	while ((p = sot_map_next(c->plans, &it, NULL)))
		list[n++] = p;
	qsort(list, n, sizeof(*list), by_size);
	*ret_count = n;
	return list;
}

static void add_plans(const controller *c, sot_buf *out)
{
	size_t count;
	const plan_row **plans = capacity_plans(c, &count);
	const char *largest = NULL;

	sot_buf_add_c(out, ",\"plans\":[");
	for (size_t k = 0; k < count; k++) {
		plan_fit fit = capacity_plan_fit(c, plans[k]);
		sot_buf_add_c(out, k ? ",{" : "{");
		add_member(out, "plan", plans[k]->name);
		sot_buf_printf(
		    out, ",\"fits\":%" PRIu64 ",\"hosts\":%" PRIu32 "}", fit.instances, fit.hosts);
		largest = fit.hosts > 0 ? plans[k]->name : largest;
	}
	sot_buf_add_c(out, "],\"largestPlan\":");
	if (largest)
		sot_buf_add_json(out, sot_str_c(largest));
	else
		sot_buf_add_c(out, "null");
	free(plans);
}

static void add_roomiest(
    const controller *c, const host *const *list, size_t count, placer_dim dim, sot_buf *out)
{
	const host *best = NULL;

	for (size_t k = 0; k < count; k++) {
		if (is_open(c, list[k]) && (!best || free_of(c, list[k], dim) > free_of(c, best, dim)))
			best = list[k];
	}
	if (!best) {
		sot_buf_add_c(out, "null");
		return;
	}
	amounts left = {(uint64_t)free_of(c, best, PLACER_CPU),
	    (uint64_t)free_of(c, best, PLACER_MEMORY) << 20,
	    (uint64_t)free_of(c, best, PLACER_DISK) << 20};
	sot_buf_add_c(out, "{");
	add_member(out, "host", best->row.name);
	add_amounts(out, "free", &left);
	sot_buf_add_c(out, "}");
}

/* ---- what fits nothing ---- */

typedef struct stranded {
	uint32_t hosts, lacks[PLACER_DIMS], mix;
	amounts left;
} stranded;

/* Nothing of what is left there is enough for any plan: what it lacks even for the smallest. */
static void strand(
    const controller *c, const host *h, const int32_t least[PLACER_DIMS], stranded *s)
{
	bool lacking = false;

	s->hosts++;
	s->left.cpu_milli += (uint64_t)free_of(c, h, PLACER_CPU);
	s->left.memory_bytes += (uint64_t)free_of(c, h, PLACER_MEMORY) << 20;
	s->left.disk_bytes += (uint64_t)free_of(c, h, PLACER_DISK) << 20;
	for (int d = 0; d < PLACER_DIMS; d++) {
		bool own = placer_host_free(c->fleet.placer, h->handle, (placer_dim)d) < least[d];
		s->lacks[d] += own;
		lacking = lacking || own;
	}
	s->mix += !lacking;
}

static void add_stranded(const controller *c, const host *const *list, size_t count, sot_buf *out)
{
	int32_t least[PLACER_DIMS], need[PLACER_DIMS];
	const char *separator = "";
	stranded s = {0};
	size_t plan_count;
	const plan_row **plans = capacity_plans(c, &plan_count);

	for (size_t k = 0; k < plan_count; k++) {
		need_of(plans[k], need);
		for (int d = 0; d < PLACER_DIMS; d++)
			least[d] = k == 0 || need[d] < least[d] ? need[d] : least[d];
	}
	for (size_t k = 0; k < count && plan_count > 0; k++) {
		bool fits = !is_open(c, list[k]);
		for (size_t n = 0; n < plan_count && !fits; n++) {
			need_of(plans[n], need);
			fits = fits_on(c, list[k]->handle, need) > 0;
		}
		if (!fits)
			strand(c, list[k], least, &s);
	}
	free(plans);
	sot_buf_printf(out, ",\"stranded\":{\"hosts\":%" PRIu32, s.hosts);
	add_amounts(out, "free", &s.left);
	sot_buf_add_c(out, ",\"lacks\":[");
	for (int d = 0; d < PLACER_DIMS; d++) {
		if (s.lacks[d] == 0)
			continue;
		sot_buf_printf(out, "%s{\"of\":\"%s\",\"hosts\":%" PRIu32 "}", separator,
		    placer_reason_code(PLACER_REASON_DIM + (uint32_t)d), s.lacks[d]);
		separator = ",";
	}
	if (s.mix > 0)
		sot_buf_printf(out, "%s{\"of\":\"the_right_mix\",\"hosts\":%" PRIu32 "}", separator, s.mix);
	sot_buf_add_c(out, "]}");
}

/* ---- addresses and apps ---- */

static void add_vlans(const controller *c, sot_buf *out)
{
	const char *separator = "";

	sot_buf_add_c(out, ",\"vlans\":[");
	for (const sot_link *l = c->vlans.all.next; l != &c->vlans.all; l = l->next) {
		const vlan *v = SOT_CONTAINER(l, vlan, all);
		sot_buf_printf(out, "%s{", separator);
		add_member(out, "vlan", v->name);
		sot_buf_add_c(out, ",");
		add_member(out, "group", v->group);
		sot_buf_printf(out, ",\"free\":%" PRIu64 "}", v->free_v4);
		separator = ",";
	}
	sot_buf_add_c(out, "]");
}

typedef struct app_loss {
	const app *a;
	uint32_t instances, worst[PLACER_LEVELS];
} app_loss;

/* Who loses the largest share with one host, then with one rack, stands first. */
static int by_loss(const void *a, const void *b)
{
	const app_loss *x = a, *y = b;

	for (int level = PLACER_HOST; level >= PLACER_AZ; level--) {
		uint64_t of_x = (uint64_t)x->worst[level] * y->instances;
		uint64_t of_y = (uint64_t)y->worst[level] * x->instances;
		if (of_x != of_y)
			return of_x > of_y ? -1 : 1;
	}
	return strcmp(x->a->row.name, y->a->row.name);
}

static void add_apps(const controller *c, sot_buf *out)
{
	app_loss *list = sot_alloc_array(sot_map_count(c->apps) + 1, sizeof(*list));
	size_t n = 0;

	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		app_loss own = {a, (uint32_t)app_wanted_count(a, NULL), {0}};
		if (a->handle == PLACER_NONE || own.instances == 0)
			continue;
		for (int level = 0; level < PLACER_LEVELS; level++)
			own.worst[level] = placer_worst_loss(c->fleet.placer, a->handle, (placer_level)level);
		list[n++] = own;
	}
	qsort(list, n, sizeof(*list), by_loss);
	sot_buf_printf(out, ",\"appCount\":%zu,\"apps\":[", n);
	for (size_t k = 0; k < n && k < CAPACITY_APPS_MAX; k++) {
		sot_buf_add_c(out, k ? ",{" : "{");
		add_member(out, "app", list[k].a->row.name);
		sot_buf_printf(out,
		    ",\"instances\":%" PRIu32 ",\"worstLoss\":{\"host\":%" PRIu32 ",\"rack\":%" PRIu32
		    ",\"az\":%" PRIu32 "}}",
		    list[k].instances, list[k].worst[PLACER_HOST], list[k].worst[PLACER_RACK],
		    list[k].worst[PLACER_AZ]);
	}
	sot_buf_add_c(out, "]");
	free(list);
}

/* How many more of one app, with its rules. */
static void add_one_app(controller *c, app *a, sot_buf *out)
{
	forecast f;

	forecast_init(&f);
	uint32_t fits = forecast_fits(c, a, CAPACITY_FITS_MAX, &f);
	sot_buf_add_c(out, ",\"app\":{");
	add_member(out, "app", a->row.name);
	sot_buf_printf(out, ",\"fits\":%" PRIu32 ",\"isCut\":%s,\"refusal\":", fits,
	    fits == CAPACITY_FITS_MAX ? "true" : "false");
	sot_buf_add_str(out, sot_buf_str(&f.out));
	sot_buf_add_c(out, "}");
	forecast_clear(&f);
}

void capacity_json(controller *c, app *a, sot_buf *out)
{
	size_t count;

	fleet_sync(c);
	const host **list = present_hosts(c, &count);
	sot_buf_printf(out, "{\"hosts\":%zu", count);
	add_groups(c, list, count, out);
	add_plans(c, out);
	sot_buf_add_c(out, ",\"mostMemory\":");
	add_roomiest(c, list, count, PLACER_MEMORY, out);
	sot_buf_add_c(out, ",\"mostCpu\":");
	add_roomiest(c, list, count, PLACER_CPU, out);
	add_stranded(c, list, count, out);
	add_vlans(c, out);
	add_apps(c, out);
	sot_buf_add_c(out, ",\"rebalance\":");
	rebalance_found_json(c, out);
	if (a)
		add_one_app(c, a, out);
	sot_buf_add_c(out, "}");
	free(list);
}
