/* Containers on a host that no assignment knows, as its agent told last. They stay in the host's
 * row, a line each: id, name, image, state, ms of its making, instance, its name, its app, its
 * generation, with tabs between (no text of a message holds one). Who is ignored stands in the row
 * by name, so that a container of that name that is made anew is ignored, too. */
#include "parts.h"

#include "sot_parse.h"

#include <inttypes.h>
#include <string.h>

#define NAMES_TOLD 5

static sot_str next_line(sot_str *rest)
{
	return sot_str_cut(*rest, '\n', rest);
}

static void parse_line(sot_str line, unknown_container *ret)
{
	enum { ID, NAME, IMAGE, STATE, CREATED, INSTANCE, INSTANCE_NAME, APP, GENERATION, COLUMNS };
	sot_str column[COLUMNS], rest = line;

	for (int k = 0; k < COLUMNS; k++)
		column[k] = sot_str_cut(rest, '\t', &rest);
	*ret = (unknown_container){.line = line,
	    .id = column[ID],
	    .name = column[NAME],
	    .instance_name = column[INSTANCE_NAME],
	    .app = column[APP]};
	if (sot_uuid_parse(column[INSTANCE], &ret->instance_id, NULL) != SOT_OK)
		ret->instance_id = (sot_uuid){{0}};
	if (sot_parse_u64(column[GENERATION], 0, INT64_MAX, &ret->generation, NULL) != SOT_OK)
		ret->generation = 0;
}

static bool has_line(const char *lines, sot_str wanted)
{
	for (sot_str rest = sot_str_c(lines); rest.n > 0;) {
		if (sot_str_eq(next_line(&rest), wanted))
			return true;
	}
	return false;
}

bool container_is_ignored(const host *h, const unknown_container *u)
{
	return u->name.n > 0 && has_line(h->row.ignored, u->name);
}

unsigned containers_find(const host *h, sot_str text, unknown_container *ret)
{
	unknown_container u;
	unsigned n = 0;

	for (sot_str rest = sot_str_c(h->row.containers); rest.n > 0;) {
		parse_line(next_line(&rest), &u);
		bool is_named = sot_str_eq(u.name, text) || sot_str_eq(u.id, text);
		sot_str begin = {u.id.p, u.id.n < text.n ? u.id.n : text.n};
		if (!is_named && !sot_str_eq(begin, text))
			continue;
		*ret = u;
		if (is_named)
			return 1;
		n++;
	}
	return n;
}

bool containers_of_instance(const host *h, sot_uuid id, unknown_container *ret)
{
	for (sot_str rest = sot_str_c(h->row.containers); rest.n > 0;) {
		parse_line(next_line(&rest), ret);
		if (!sot_uuid_is_zero(ret->instance_id) && sot_uuid_eq(ret->instance_id, id))
			return true;
	}
	return false;
}

/* ---- what is said of them ---- */

typedef struct census {
	unsigned unknown, ignored; /* of those that are told */
	sot_buf names, ids;
} census;

static void count(const host *h, census *n)
{
	unknown_container u;

	*n = (census){0};
	model_text_init(&n->names);
	model_text_init(&n->ids);
	for (sot_str rest = sot_str_c(h->row.containers); rest.n > 0;) {
		parse_line(next_line(&rest), &u);
		bool is_ignored = container_is_ignored(h, &u);
		sot_buf_add_str(&n->ids, u.id);
		sot_buf_add_c(&n->ids, is_ignored ? "-" : "+");
		n->ignored += is_ignored;
		n->unknown += !is_ignored;
		if (is_ignored || n->unknown > NAMES_TOLD)
			continue;
		sot_buf_add_c(&n->names, n->unknown > 1 ? "," : "");
		sot_buf_add_json(&n->names, u.name);
	}
}

static void census_clear(census *n)
{
	sot_buf_clear(&n->names);
	sot_buf_clear(&n->ids);
}

static void say_containers(controller *c, const host *h, const operation *o, const census *now)
{
	char id[SOT_UUID_TEXT];
	sot_buf data;
	uint32_t all = h->row.unknown_containers;

	model_text_init(&data);
	sot_buf_printf(&data, "{\"id\":\"%s\",\"unknown\":%" PRIu32 ",\"ignored\":%u,\"names\":[",
	    sot_uuid_format(h->row.id, id), all > now->ignored ? all - now->ignored : 0, now->ignored);
	sot_buf_add_str(&data, sot_buf_str(&now->names));
	sot_buf_add_c(&data, "]}");
	say_event(c, "host.containers", h->row.name, NULL, h, o, &data);
}

static void render(const struct sot_status *m, sot_buf *out)
{
	char id[SOT_UUID_TEXT];

	for (size_t k = 0; k < m->unknown_count; k++) {
		const struct sot_unknown_container *u = &m->unknown[k];
		sot_buf_add_c(out, k > 0 ? "\n" : "");
		sot_buf_printf(out, "%.*s\t%.*s\t%.*s\t%.*s\t%" PRId64 "\t%s\t%.*s\t%.*s\t%" PRIu64,
		    SOT_ARG(u->container_id), SOT_ARG(u->name), SOT_ARG(u->image), SOT_ARG(u->state),
		    u->created_unix_ms,
		    sot_uuid_is_zero(u->instance_id) ? "" : sot_uuid_format(u->instance_id, id),
		    SOT_ARG(u->instance_name), SOT_ARG(u->app), u->generation);
	}
}

void containers_told(controller *c, host *h, const struct sot_status *m)
{
	uint32_t all = m->unknown_containers < INT32_MAX ? m->unknown_containers : (uint32_t)INT32_MAX;
	bool is_other = h->row.unknown_containers != all;
	census before, now;
	sot_buf lines;

	model_text_init(&lines);
	if (m->unknown_told)
		render(m, &lines);
	else
		sot_buf_add_c(&lines, h->row.containers);
	bool lines_differ = !sot_str_eq_c(sot_buf_str(&lines), h->row.containers);
	if (is_other || lines_differ) {
		count(h, &before);
		h->row.unknown_containers = all;
		shared_set(&h->row.containers, c->shared, sot_buf_str(&lines));
		touch_host(c, h);
		count(h, &now);
		if (is_other || !sot_str_eq(sot_buf_str(&before.ids), sot_buf_str(&now.ids)))
			say_containers(c, h, NULL, &now);
		census_clear(&before);
		census_clear(&now);
	}
	sot_buf_clear(&lines);
}

void container_ignore(
    controller *c, host *h, const operation *o, const unknown_container *u, bool on)
{
	census now;
	sot_buf names;

	if (container_is_ignored(h, u) == on)
		return;
	model_text_init(&names);
	for (sot_str rest = sot_str_c(h->row.ignored); rest.n > 0;) {
		sot_str name = next_line(&rest);
		if (sot_str_eq(name, u->name))
			continue;
		sot_buf_add_c(&names, names.n > 0 ? "\n" : "");
		sot_buf_add_str(&names, name);
	}
	if (on) {
		sot_buf_add_c(&names, names.n > 0 ? "\n" : "");
		sot_buf_add_str(&names, u->name);
	}
	shared_set(&h->row.ignored, c->shared, sot_buf_str(&names));
	sot_buf_clear(&names);
	touch_host(c, h);
	count(h, &now);
	say_containers(c, h, o, &now);
	census_clear(&now);
}
