/* Decisions and refusals in words and numbers. */
#include "explain.h"

#include "parts.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[PLACER_LEVELS] = {"az", "rack", "host"};

/* ---- pieces ---- */

static void add_text(sot_buf *out, const char *field, const char *value)
{
	sot_buf_printf(out, "\"%s\":", field);
	sot_buf_add_json(out, sot_str_c(value));
}

static void add_host(const controller *c, uint32_t handle, sot_buf *out)
{
	const host *h = fleet_host(c, handle);

	add_text(out, "host", h->row.name);
	sot_buf_add_c(out, ",");
	add_text(out, "az", h->row.az);
	sot_buf_add_c(out, ",");
	add_text(out, "rack", h->row.rack);
}

static void add_need(const int32_t need[PLACER_DIMS], sot_buf *out)
{
	sot_buf_printf(out,
	    "\"need\":{\"cpuMilli\":%" PRId32 ",\"memoryBytes\":%" PRId64 ",\"diskBytes\":%" PRId64 "}",
	    need[PLACER_CPU], (int64_t)need[PLACER_MEMORY] << 20, (int64_t)need[PLACER_DISK] << 20);
}

/* ---- decisions ---- */

void decision_init(decision *d)
{
	*d = (decision){0};
	model_text_init(&d->placed);
}

void decision_clear(decision *d)
{
	sot_buf_clear(&d->placed);
}

static void begin(controller *c, decision *d, const app *a, uint32_t handle)
{
	placer *p = c->fleet.placer;

	d->app = a;
	d->hosts = c->fleet.present;
	if (d->hosts <= SURVEY_HOSTS_MAX) {
		placer_refuse(p, handle, &d->others);
		memcpy(d->need, d->others.need, sizeof(d->need));
	} else {
		d->others.hosts = 0;
		placer_need_of(p, handle, d->need);
	}
}

/* ",1.2345": a hundred thousand of them a second, so not by printf. */
static void add_cost(sot_buf *out, double cost)
{
	static const int64_t parts_of_one = 10000;
	bool is_small = cost > -1e9 && cost < 1e9;

	if (!is_small) {
		sot_buf_printf(out, ",%.4f", cost);
		return;
	}
	int64_t v = (int64_t)(cost * (double)parts_of_one + (cost < 0 ? -0.5 : 0.5));
	int64_t fraction = (v < 0 ? -v : v) % parts_of_one;
	sot_buf_add_c(out, v < 0 ? ",-" : ",");
	row_add_i64(out, (v < 0 ? -v : v) / parts_of_one);
	sot_buf_add_c(out, fraction < 10     ? ".000"
	                   : fraction < 100  ? ".00"
	                   : fraction < 1000 ? ".0"
	                                     : ".");
	row_add_i64(out, fraction);
}

/* [instance, host, VLAN, of the app before in AZ, rack and host, open, load, fit, pressure,
 * preference]; of a runner-up no instance and no VLAN. */
static void add_parts(const controller *c, const char *instance_name, const char *vlan_name,
    const placer_parts *parts, sot_buf *out)
{
	sot_buf_add_c(out, "[");
	sot_buf_add_json(out, sot_str_c(instance_name));
	sot_buf_add_c(out, ",");
	sot_buf_add_json(out, sot_str_c(fleet_host(c, parts->host)->row.name));
	sot_buf_add_c(out, ",");
	sot_buf_add_json(out, sot_str_c(vlan_name));
	for (int level = 0; level < PLACER_LEVELS; level++) {
		sot_buf_add_char(out, ',');
		row_add_i64(out, parts->crowding[level]);
	}
	add_cost(out, parts->open);
	add_cost(out, parts->load);
	add_cost(out, parts->fit);
	add_cost(out, parts->pressure);
	add_cost(out, parts->preference);
	sot_buf_add_char(out, ']');
}

static void note(const controller *c, decision *d, const char *instance_name, uint32_t id,
    const placer_parts *parts)
{
	const placer *p = c->fleet.placer;
	uint32_t pool;

	(void)placer_instance_holds(p, id, &pool);
	if (d->count++ > 0)
		sot_buf_add_c(&d->placed, ",");
	add_parts(c, instance_name, fleet_vlan(c, d->app, pool), parts, &d->placed);
}

uint32_t decision_place(
    controller *c, decision *d, const app *a, uint32_t handle, const char *instance_name)
{
	placer *p = c->fleet.placer;
	placer_parts parts;

	if (d->count == 0) {
		if (!placer_explain(p, handle, &d->first))
			return PLACER_NONE;
		begin(c, d, a, handle);
		parts = d->first.chosen;
	} else {
		uint32_t chosen = placer_choose(p, handle);
		if (chosen == PLACER_NONE)
			return PLACER_NONE;
		placer_parts_of(p, handle, chosen, &parts);
	}
	uint32_t id = placer_place_on(p, handle, parts.host);
	note(c, d, instance_name, id, &parts);
	return id;
}

/* The host was not the first choice: that one is the first of the others. */
static void choose_instead(placer *p, uint32_t handle, uint32_t at, placer_explanation *e)
{
	placer_parts others[PLACER_RUNNERS_UP];
	uint32_t count = 0;

	if (e->chosen.host == at)
		return;
	others[count++] = e->chosen;
	for (uint32_t k = 0; k < e->runner_up_count && count < PLACER_RUNNERS_UP; k++) {
		if (e->runners_up[k].host != at)
			others[count++] = e->runners_up[k];
	}
	memcpy(e->runners_up, others, count * sizeof(*others));
	e->runner_up_count = count;
	placer_parts_of(p, handle, at, &e->chosen);
}

uint32_t decision_stands(controller *c, decision *d, const app *a, uint32_t handle,
    const char *instance_name, uint32_t at)
{
	placer *p = c->fleet.placer;

	if (placer_explain(p, handle, &d->first))
		choose_instead(p, handle, at, &d->first);
	else
		placer_parts_of(p, handle, at, &d->first.chosen);
	begin(c, d, a, handle);
	uint32_t placed = placer_place_on(p, handle, at);
	note(c, d, instance_name, placed, &d->first.chosen);
	return placed;
}

bool decision_is_full(const decision *d)
{
	return d->count >= DECISION_INSTANCES_MAX;
}

static void add_counts(const placer_refusal *why, sot_buf *out)
{
	const char *separator = "";

	sot_buf_add_c(out, ",\"refused\":[");
	for (uint32_t r = 0; r < PLACER_REASONS; r++) {
		if (why->count[r] == 0)
			continue;
		sot_buf_printf(out, "%s{\"reason\":\"%s\",\"hosts\":%" PRIu32 "}", separator,
		    placer_reason_code(r), why->count[r]);
		separator = ",";
	}
	sot_buf_add_c(out, "]");
}

void decision_json(const controller *c, const decision *d, sot_buf *out)
{
	bool surveyed = d->hosts <= SURVEY_HOSTS_MAX;

	sot_buf_add_c(out, "{");
	add_text(out, "app", d->app->row.name);
	sot_buf_add_c(out, ",");
	add_need(d->need, out);
	sot_buf_printf(out, ",\"hosts\":%" PRIu32 ",\"candidates\":%" PRIu32, d->hosts,
	    surveyed ? d->hosts - d->others.hosts : d->first.candidates);
	if (surveyed)
		add_counts(&d->others, out);
	sot_buf_add_c(out, ",\"runnersUp\":[");
	for (uint32_t k = 0; k < d->first.runner_up_count; k++) {
		sot_buf_add_c(out, k ? "," : "");
		add_parts(c, "", "", &d->first.runners_up[k], out);
	}
	sot_buf_add_c(out, "],\"placed\":[");
	sot_buf_add_str(out, sot_buf_str(&d->placed));
	sot_buf_add_c(out, "]}");
}

void decision_write(controller *c, decision *d, const operation *o)
{
	controller_batch *b = c->next;
	sot_buf data;

	if (d->count == 0)
		return;
	model_text_init(&data);
	decision_json(c, d, &data);
	decision_row *row = VECTOR_PUSH(b->decisions, b->decision_count, b->decision_cap);
	row->id = d->id;
	row->operation_id = o->row.id;
	row->at_unix_ms = c->now.wall.unix_ms;
	row->data = sot_strndup(sot_buf_str(&data));
	sot_buf_clear(&data);
	sot_buf_reset(&d->placed);
	d->count = 0;
}

/* ---- refusals ---- */

static bool is_amount(uint32_t reason)
{
	return reason >= PLACER_REASON_DIM && reason < PLACER_REASON_DIM + PLACER_DIMS;
}

static bool is_spread(uint32_t reason)
{
	return reason >= PLACER_REASON_SPREAD && reason < PLACER_REASON_SPREAD + PLACER_LEVELS;
}

static const char *domain_name(const host *h, uint32_t level)
{
	return level == PLACER_AZ ? h->row.az : level == PLACER_RACK ? h->row.rack : h->row.name;
}

static uint32_t crowding_at(const controller *c, const refused *r, uint32_t level, uint32_t handle)
{
	uint32_t counts[PLACER_LEVELS] = {0};

	placer_crowding(c->fleet.placer, r->handle, handle, counts);
	return counts[level];
}

/* What of the reason is true of that host, as members behind others. */
static void add_figures(
    const controller *c, const refused *r, uint32_t reason, uint32_t handle, sot_buf *out)
{
	const host *h = fleet_host(c, handle);

	if (is_amount(reason)) {
		uint32_t d = reason - PLACER_REASON_DIM;
		int32_t has = placer_host_free(c->fleet.placer, handle, (placer_dim)d);
		int32_t needs = r->why->need[d];
		sot_buf_printf(out,
		    ",\"has\":%" PRId32 ",\"needs\":%" PRId32 ",\"short\":%" PRId32 ",\"unit\":\"%s\"", has,
		    needs, needs - has, placer_dim_unit(d));
	} else if (is_spread(reason)) {
		uint32_t level = reason - PLACER_REASON_SPREAD;
		sot_buf_printf(out, ",\"level\":\"%s\",", level_names[level]);
		add_text(out, "domain", domain_name(h, level));
		sot_buf_printf(out, ",\"has\":%" PRIu32, crowding_at(c, r, level, handle));
	} else if (reason == PLACER_REASON_OFFLINE) {
		sot_buf_printf(out, ",\"state\":\"%s\"", host_state_name(h->row.state));
	}
}

/* What would have to happen on the host for this reason to be none, for people. */
static void say_change(
    const controller *c, const refused *r, uint32_t reason, uint32_t handle, sot_buf *out)
{
	const host *h = fleet_host(c, handle);
	const char *name = h->row.name, *app_name = r->app->row.name;

	if (is_amount(reason)) {
		uint32_t d = reason - PLACER_REASON_DIM;
		int32_t lacks = r->why->need[d] - placer_host_free(c->fleet.placer, handle, (placer_dim)d);
		const char *unit = placer_dim_unit(d);
		sot_buf_printf(out, "%" PRId32 "%s%s more of %s free on %s", lacks, unit[0] ? " " : "",
		    unit, placer_reason_name(reason), name);
	} else if (is_spread(reason)) {
		uint32_t level = reason - PLACER_REASON_SPREAD;
		sot_buf_printf(out, "fewer of %s in %s %s, which has %" PRIu32 ", or a looser spread",
		    app_name, level_names[level], domain_name(h, level), crowding_at(c, r, level, handle));
	} else if (reason == PLACER_REASON_OFFLINE) {
		sot_buf_printf(out, "%s back online; it is %s", name, host_state_name(h->row.state));
	} else if (reason == PLACER_REASON_CORDONED) {
		sot_buf_printf(out, "%s uncordoned", name);
	} else if (reason == PLACER_REASON_NETWORK) {
		sot_buf_printf(out, "VLAN %s reaching %s", r->app->row.vlan, name);
	} else if (reason == PLACER_REASON_ADDRESSES) {
		sot_buf_printf(out, "a free address in VLAN %s", r->app->row.vlan);
	} else if (reason == PLACER_REASON_QUOTA) {
		sot_buf_add_c(out, "a larger quota of the team, or fewer of its instances");
	} else {
		sot_buf_printf(out, "%s without '%s'", name, placer_reason_name(reason));
	}
}

static void add_reason(const controller *c, const refused *r, uint32_t reason, sot_buf *out)
{
	const placer_refusal *why = r->why;

	sot_buf_printf(out,
	    "{\"reason\":\"%s\",\"name\":\"%s\",\"hosts\":%" PRIu32 ",\"only\":%" PRIu32 ",\"best\":[",
	    placer_reason_code(reason), placer_reason_name(reason), why->count[reason],
	    why->sole[reason]);
	for (int k = 0; k < PLACER_BEST && why->best[reason][k] != PLACER_NONE; k++) {
		sot_buf_add_c(out, k ? ",{" : "{");
		add_host(c, why->best[reason][k], out);
		add_figures(c, r, reason, why->best[reason][k], out);
		sot_buf_add_c(out, "}");
	}
	sot_buf_add_c(out, "]}");
}

static void add_nearest(const controller *c, const refused *r, sot_buf *out)
{
	uint32_t handle = r->why->nearest;
	const char *separator = "";

	if (handle == PLACER_NONE) {
		sot_buf_add_c(out, "null");
		return;
	}
	sot_buf_add_c(out, "{");
	add_host(c, handle, out);
	sot_buf_add_c(out, ",\"changes\":[");
	for (uint32_t reason = 0; reason < PLACER_REASONS; reason++) {
		sot_buf text;
		if (!(r->why->nearest_obstacles >> reason & 1))
			continue;
		sot_buf_printf(out, "%s{\"reason\":\"%s\"", separator, placer_reason_code(reason));
		add_figures(c, r, reason, handle, out);
		model_text_init(&text);
		say_change(c, r, reason, handle, &text);
		sot_buf_add_c(out, ",\"text\":");
		sot_buf_add_json(out, sot_buf_str(&text));
		sot_buf_add_c(out, "}");
		sot_buf_clear(&text);
		separator = ",";
	}
	sot_buf_add_c(out, "]}");
}

static void add_blocked(const controller *c, const refused *r, sot_buf *out)
{
	sot_buf_printf(out, "\"hosts\":%" PRIu32 ",\"reasons\":[", c->fleet.present);
	if (c->fleet.present > 0)
		sot_buf_printf(out,
		    "{\"reason\":\"%s\",\"name\":\"%s\",\"hosts\":%" PRIu32 ",\"only\":%" PRIu32
		    ",\"best\":[]}",
		    r->blocked, r->blocked, c->fleet.present, c->fleet.present);
	sot_buf_add_c(out, "],\"nearest\":null");
}

void refusal_json(const controller *c, const refused *r, sot_buf *out)
{
	const char *separator = "";

	sot_buf_add_c(out, "{");
	add_text(out, "app", r->app->row.name);
	sot_buf_printf(out, ",\"count\":%zu,\"text\":", r->count);
	sot_buf_add_json(out, r->text);
	sot_buf_add_c(out, ",");
	if (!r->why) {
		add_blocked(c, r, out);
		sot_buf_add_c(out, "}");
		return;
	}
	add_need(r->why->need, out);
	sot_buf_printf(out, ",\"hosts\":%" PRIu32 ",\"reasons\":[", r->why->hosts);
	for (uint32_t reason = 0; reason < PLACER_REASONS; reason++) {
		if (r->why->count[reason] == 0)
			continue;
		sot_buf_add_c(out, separator);
		add_reason(c, r, reason, out);
		separator = ",";
	}
	sot_buf_add_c(out, "],\"nearest\":");
	add_nearest(c, r, out);
	sot_buf_add_c(out, "}");
}
