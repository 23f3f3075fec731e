/* Dry runs: the decision that the real request would get. */
#include "forecast.h"

#include "explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FNV_BASIS 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

void forecast_init(forecast *f)
{
	*f = (forecast){.digest = FNV_BASIS};
	model_text_init(&f->out);
}

void forecast_clear(forecast *f)
{
	sot_buf_clear(&f->out);
}

/* FNV-1a: tells states apart, keeps nobody out. */
void forecast_note(forecast *f, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;

	for (size_t k = 0; k < n; k++)
		f->digest = (f->digest ^ p[k]) * FNV_PRIME;
}

void forecast_note_host(forecast *f, const host *h)
{
	forecast_note(f, h->row.id.b, sizeof(h->row.id.b));
}

void forecast_etag(const forecast *f, char ret[static FORECAST_ETAG])
{
	(void)snprintf(ret, FORECAST_ETAG, "\"%016" PRIx64 "\"", f->digest);
}

static void add_member(sot_buf *out, const char *name, const char *value)
{
	sot_buf_printf(out, "\"%s\":", name);
	sot_buf_add_json(out, sot_str_c(value));
}

/* ---- growth ---- */

/* Places up to `count`; the objects of the decisions are items of an array. Returns how many. */
static uint32_t place_all(controller *c, app *a, uint32_t handle, uint32_t count, forecast *f)
{
	const placer *p = c->fleet.placer;
	uint32_t placed = 0, number = a->group ? a->group->row.next_number : 1;
	const char *separator = "";
	decision d;

	decision_init(&d);
	while (placed < count) {
		char name[96];
		(void)snprintf(name, sizeof(name), "%s-%s-%02" PRIu32, a->row.name,
		    a->group ? a->group->row.name : "default", number + placed);
		uint32_t id = decision_place(c, &d, a, handle, name), pool;
		if (id == PLACER_NONE)
			break;
		(void)placer_instance_holds(p, id, &pool);
		forecast_note_host(f, fleet_host(c, placer_instance_host(p, id)));
		forecast_note(f, fleet_vlan(c, a, pool), strlen(fleet_vlan(c, a, pool)));
		placed++;
		if (!decision_is_full(&d) && placed < count)
			continue;
		if (placed <= FORECAST_LIST_MAX) {
			sot_buf_add_c(&f->out, separator);
			decision_json(c, &d, &f->out);
			separator = ",";
		}
		decision_clear(&d);
		decision_init(&d);
	}
	if (d.count > 0 && placed <= FORECAST_LIST_MAX) {
		sot_buf_add_c(&f->out, separator);
		decision_json(c, &d, &f->out);
	}
	decision_clear(&d);
	return placed;
}

static void add_refusal(controller *c, const app *a, uint32_t handle, size_t count, forecast *f)
{
	refused r = {.app = a, .handle = handle, .count = count};
	placer_refusal why;
	sot_buf text;

	model_text_init(&text);
	if (!placement_is_blocked(c, a, &text, &r.blocked)) {
		placement_refusal(c, a, handle, count, &why, &text);
		r.why = &why;
	}
	r.text = sot_buf_str(&text);
	refusal_json(c, &r, &f->out);
	sot_buf_clear(&text);
}

static void grow(controller *c, app *a, uint32_t count, forecast *f)
{
	placer *p = c->fleet.placer;
	instance_make size = {.app_id = a->row.id};
	const char *word;
	uint32_t placed = 0;
	sot_buf text;

	plan_size(c, a, &size);
	uint32_t handle = fleet_app(c, a, &size);
	placer_mark mark = placer_begin(p);
	model_text_init(&text);
	sot_buf_add_c(&f->out, ",\"placements\":[");
	if (!placement_is_blocked(c, a, &text, &word))
		placed = place_all(c, a, handle, count, f);
	sot_buf_printf(&f->out, "],\"placed\":%" PRIu32 ",\"refusal\":", placed);
	if (placed < count)
		add_refusal(c, a, handle, count - placed, f);
	else
		sot_buf_add_c(&f->out, "null");
	forecast_note(f, &placed, sizeof(placed));
	sot_buf_add_c(&f->out, ",\"addresses\":");
	fleet_addresses_left(c, a, &f->out);
	placer_rollback(p, mark);
	sot_buf_clear(&text);
}

/* What a what-if was filled with. */
typedef struct filling {
	uint32_t handle, placed;
	host **hosts; /* where, each once; NULL: nobody asks */
	size_t host_count;
} filling;

static void note_host(filling *f, host *h)
{
	for (size_t k = 0; k < f->host_count; k++)
		if (f->hosts[k] == h)
			return;
	f->hosts[f->host_count++] = h;
}

/* Begins a what-if in which as many more of the app stand as fit, at most `max`; the caller rolls
 * it back. */
static placer_mark fill(controller *c, app *a, uint32_t max, filling *f)
{
	placer *p = c->fleet.placer;
	instance_make size = {.app_id = a->row.id};
	const char *word;
	uint32_t chosen;
	sot_buf text;

	plan_size(c, a, &size);
	f->handle = fleet_app(c, a, &size);
	placer_mark mark = placer_begin(p);
	model_text_init(&text);
	bool blocked = placement_is_blocked(c, a, &text, &word);
	while (!blocked && f->placed < max && (chosen = placer_choose(p, f->handle)) != PLACER_NONE) {
		uint32_t id = placer_place_on(p, f->handle, chosen);
		if (f->hosts)
			note_host(f, fleet_host(c, placer_instance_host(p, id)));
		f->placed++;
	}
	sot_buf_clear(&text);
	return mark;
}

uint32_t forecast_fits(controller *c, app *a, uint32_t max, forecast *f)
{
	filling what = {.placed = 0};
	placer_mark mark = fill(c, a, max, &what);

	if (what.placed < max)
		add_refusal(c, a, what.handle, 1, f);
	else
		sot_buf_add_c(&f->out, "null");
	placer_rollback(c->fleet.placer, mark);
	return what.placed;
}

uint32_t forecast_room(controller *c, app *a, uint32_t max, sot_buf *why)
{
	filling what = {.placed = 0};
	placer_mark mark = fill(c, a, max, &what);
	placer_refusal refusal;
	const char *word;

	if (what.placed < max && !placement_is_blocked(c, a, why, &word))
		placement_refusal(c, a, what.handle, max - what.placed, &refusal, why);
	placer_rollback(c->fleet.placer, mark);
	return what.placed;
}

size_t forecast_hosts(controller *c, app *a, uint32_t max, host **ret)
{
	filling what = {.hosts = ret};

	placer_rollback(c->fleet.placer, fill(c, a, max, &what));
	return what.host_count;
}

/* ---- fewer ---- */

static void add_leaver(const instance *i, const char *separator, forecast *f)
{
	sot_buf_printf(&f->out, "%s{", separator);
	add_member(&f->out, "instance", i->name);
	sot_buf_add_c(&f->out, ",");
	add_member(&f->out, "host", i->host ? i->host->row.name : "");
	sot_buf_add_c(&f->out, "}");
	forecast_note(f, i->row.id.b, sizeof(i->row.id.b));
}

/* Who leaves is chosen by who has left: they are marked for the time of the choice. */
static void shrink(controller *c, app *a, size_t count, forecast *f)
{
	struct lent {
		instance *i;
		enum sot_desired_state desired;
	} *leavers = sot_alloc_array(count + 1, sizeof(*leavers));
	size_t left = 0;

	fleet_sync(c);
	placer_mark mark = placer_begin(c->fleet.placer);
	sot_buf_add_c(&f->out, ",\"leaving\":[");
	while (left < count) {
		instance *i = place_leaver(c, a, NULL, SOT_SCALE_PICK_SPREAD);
		if (!i)
			break;
		add_leaver(i, left ? "," : "", f);
		leavers[left].i = i;
		leavers[left++].desired = i->row.desired;
		i->row.desired = SOT_DESIRED_STATE_RETIRED;
		if (i->handle != PLACER_NONE)
			placer_leave(c->fleet.placer, i->handle);
	}
	sot_buf_add_c(&f->out, "]");
	placer_rollback(c->fleet.placer, mark);
	while (left-- > 0)
		leavers[left].i->row.desired = leavers[left].desired;
	free(leavers);
}

/* ---- the whole ---- */

static void add_behind(const app *a, sot_buf *out)
{
	const operation *o = app_operation(a);
	char id[SOT_UUID_TEXT];

	if (o)
		sot_buf_printf(out, ",\"behind\":\"%s\"", sot_uuid_format(o->row.id, id));
}

void forecast_scale(controller *c, app *a, uint32_t count, forecast *f)
{
	size_t have = app_wanted_count(a, NULL);

	add_member(&f->out, "app", a->row.name);
	sot_buf_printf(&f->out, ",\"have\":%zu,\"want\":%" PRIu32, have, count);
	add_behind(a, &f->out);
	if (count > have)
		grow(c, a, count - (uint32_t)have, f);
	if (count < have)
		shrink(c, a, have - count, f);
}

void forecast_answer(request *q, uint64_t request_id, forecast *f)
{
	char etag[FORECAST_ETAG];

	forecast_etag(f, etag);
	sot_buf_add_c(&f->out, ",\"etag\":");
	sot_buf_add_json(&f->out, sot_str_c(etag));
	sot_buf_add_c(&f->out, "}");
	request_answer(q, request_id, sot_str_c(etag), &f->out);
	forecast_clear(f);
}

static bool is_still_true(
    request *q, uint64_t request_id, app *a, uint32_t count, sot_str if_still_true)
{
	char etag[FORECAST_ETAG];
	forecast f;
	problem p;

	forecast_init(&f);
	forecast_scale(q->c, a, count, &f);
	forecast_etag(&f, etag);
	forecast_clear(&f);
	if (sot_str_eq_c(if_still_true, etag))
		return true;
	problem_set(&p, SOT_REFUSAL_STALE, "/ifStillTrue",
	    "the forecast %.*s is no longer true: now it is %s; look at a new dry run",
	    SOT_ARG(if_still_true), etag);
	request_refuse(q, request_id, &p);
	return false;
}

bool forecast_goes_on(
    request *q, uint64_t request_id, app *a, uint32_t count, bool dry_run, sot_str if_still_true)
{
	forecast f;

	if (!dry_run)
		return if_still_true.n == 0 || is_still_true(q, request_id, a, count, if_still_true);
	forecast_init(&f);
	sot_buf_add_c(&f.out, "{\"kind\":\"scale\",");
	forecast_scale(q->c, a, count, &f);
	forecast_answer(q, request_id, &f);
	return false;
}
