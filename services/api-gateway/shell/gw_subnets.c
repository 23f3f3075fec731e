/* One subnet: by its network ("10.66.0.0%2F24", ?vrf=) or its id; as an object, as a map, changed.
 */
#include "gateway.h"

#include "gw_map.h"
#include "gw_sql.h"
#include "gw_text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RUNS_MAX 70000 /* as in subnet_runs.sql: every second address of a /16 */
#define RANGES_MAX 4096

typedef struct subnet_call {
	char name[64], vrf[64]; /* as asked for, then as found: "10.66.0.0/24", "default" */
	bool found;
	sot_err err;
	gw_map_subnet subnet;
	gw_map_range *ranges;
	size_t range_count;
	gw_map_run *runs;
	char (*states)[16]; /* of the runs, which borrow them */
	size_t run_count, written;
	bool cut;
	sot_buf range_items;
} subnet_call;

static void subnet_call_free(void *state)
{
	subnet_call *s = state;
	free(s->ranges);
	free(s->runs);
	free(s->states);
	sot_buf_clear(&s->range_items);
	free(s);
}

/* A network is written one way only: "2001:DB8::/64" asks for "2001:db8::/64". */
void subnet_normalize(const char *given, char dst[64])
{
	char address[SOT_IP_TEXT];
	sot_ip network;
	uint8_t prefix;
	if (sot_ip_parse_cidr(sot_str_c(given), &network, &prefix, NULL) == SOT_OK)
		(void)snprintf(dst, 64, "%s/%u", sot_ip_format(network, address), prefix);
	else
		gw_copy_cut(sot_str_c(given), dst, 64);
}

static void on_subnet(void *self, const store_result *res)
{
	gw_call *c = self;
	subnet_call *s = c->state;
	sot_ip network;
	if (store_rows(res) == 0)
		return;
	gw_copy_cut(store_text(res, 0, 1), s->name, sizeof(s->name));
	gw_copy_cut(store_text(res, 0, 2), s->vrf, sizeof(s->vrf));
	sot_buf_add_str(&c->rows, store_text(res, 0, 0));
	s->found =
	    sot_ip_parse_cidr(sot_str_c(s->name), &network, &s->subnet.prefix, &s->err) == SOT_OK &&
	    store_ip(res, 0, 3, &s->subnet.first, &s->err) == SOT_OK &&
	    store_ip(res, 0, 4, &s->subnet.last, &s->err) == SOT_OK &&
	    store_ip(res, 0, 5, &s->subnet.gateway, &s->err) == SOT_OK &&
	    store_bool(res, 0, 6, &s->subnet.redundant_gateway, &s->err) == SOT_OK;
	s->subnet.network = network;
}

/* Looks the subnet up, then calls `then`. */
static void find_subnet(gw_call *c, store_done_fn then)
{
	subnet_call *s = sot_alloc(sizeof(*s));
	store_tx *tx;
	sot_err err = {0};
	c->state = s;
	c->state_free = subnet_call_free;
	sot_buf_init(&s->range_items, 4u * 1024 * 1024);
	if (call_query(c, "vrf", s->vrf, sizeof(s->vrf)) != SOT_OK)
		return;
	subnet_normalize(c->match.params[0], s->name);
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SUBNET_GET, on_subnet, c);
	store_arg_c(tx, s->name);
	store_arg_c(tx, s->vrf);
	if (store_commit(&tx, then, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* Whether there is one; if not, that was answered. */
static bool was_found(gw_call *c, const store_outcome *outcome)
{
	const subnet_call *s = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (c->rows.n == 0)
		call_problem(c, 404, "not_found", "there is no subnet '%s' in VRF '%s'", s->name,
		    s->vrf[0] != '\0' ? s->vrf : "default");
	else if (!s->found)
		call_problem(c, 500, "internal", "the subnet's row cannot be read: %s", s->err.text);
	else
		return true;
	return false;
}

static void on_found(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (!was_found(c, outcome))
		return;
	sot_buf_add_char(&c->rows, '\n');
	call_item(c, sot_buf_str(&c->rows));
}

void serve_subnet_get(gw_call *c)
{
	find_subnet(c, on_found);
}

/* ---- changes: by id they need the network first ---- */
static void on_found_to_change(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const subnet_call *s = c->state;
	if (!was_found(c, outcome))
		return;
	(void)snprintf(c->match.params[0], sizeof(c->match.params[0]), "%s", s->name);
	(void)snprintf(c->vrf, sizeof(c->vrf), "%s", s->vrf);
	command_run(c, NULL);
}

static void change_subnet(gw_call *c)
{
	sot_uuid id;
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &id, NULL) == SOT_OK)
		find_subnet(c, on_found_to_change);
	else
		command_run(c, NULL);
}

void serve_subnet_update(gw_call *c)
{
	change_subnet(c);
}

void serve_subnet_delete(gw_call *c)
{
	change_subnet(c);
}

/* ---- the map ---- */
static void on_ranges(void *self, const store_result *res)
{
	static const char *const kinds[] = {"pool", "reserved", "excluded", "named"};
	subnet_call *s = ((gw_call *)self)->state;
	size_t count = store_rows(res) < RANGES_MAX ? store_rows(res) : RANGES_MAX;
	s->ranges = sot_alloc((count + 1) * sizeof(*s->ranges));
	for (size_t i = 0; i < count; i++) {
		gw_map_range *r = &s->ranges[s->range_count];
		if (store_ip(res, i, 0, &r->first, &s->err) != SOT_OK ||
		    store_ip(res, i, 1, &r->last, &s->err) != SOT_OK)
			continue;
		for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
			if (sot_str_eq_c(store_text(res, i, 2), kinds[k]))
				r->kind = (gw_range_kind)k;
		if (s->range_count++ > 0)
			sot_buf_add_char(&s->range_items, ',');
		sot_buf_add_str(&s->range_items, store_text(res, i, 3));
	}
}

static void on_runs(void *self, const store_result *res)
{
	subnet_call *s = ((gw_call *)self)->state;
	size_t count = store_rows(res);
	s->cut = count >= RUNS_MAX;
	s->runs = sot_alloc((count + 1) * sizeof(*s->runs));
	s->states = sot_alloc((count + 1) * sizeof(*s->states));
	for (size_t i = 0; i < count; i++) {
		gw_map_run *r = &s->runs[s->run_count];
		if (store_ip(res, i, 0, &r->first, &s->err) != SOT_OK ||
		    store_ip(res, i, 1, &r->last, &s->err) != SOT_OK)
			continue;
		gw_copy_cut(store_text(res, i, 2), s->states[s->run_count], sizeof(s->states[0]));
		r->state = s->states[s->run_count++];
	}
}

/* Rows beyond the ceiling were not read: what lies behind the last one is not known. */
static void add_unread(subnet_call *s)
{
	sot_ip end = sot_ip_last(s->subnet.network, s->subnet.prefix), last;
	if (!s->cut || s->run_count == 0)
		return;
	last = s->runs[s->run_count - 1].last;
	if (sot_ip_cmp(last, end) < 0)
		s->runs[s->run_count++] = (gw_map_run){sot_ip_add(last, 1), end, "unknown"};
}

static uint64_t count_of(const gw_map_run *run)
{
	uint64_t distance = sot_ip_distance(run->first, run->last);
	return distance >= INT64_MAX ? INT64_MAX : distance + 1;
}

static void add_run(void *self, const gw_map_run *run)
{
	gw_call *c = self;
	subnet_call *s = c->state;
	char first[SOT_IP_TEXT], last[SOT_IP_TEXT];
	sot_buf_printf(&c->rows,
	    "%s{\"first\":\"%s\",\"last\":\"%s\",\"state\":\"%s\",\"count\":%" PRIu64 "}",
	    s->written++ > 0 ? "," : "", sot_ip_format(run->first, first),
	    sot_ip_format(run->last, last), run->state, count_of(run));
}

static void on_map_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	subnet_call *s = c->state;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (s->err.code != SOT_OK) {
		call_problem(c, 500, "internal", "a row cannot be read: %s", s->err.text);
		return;
	}
	sot_buf_printf(
	    &c->rows, ",\"ranges\":[%.*s],\"runs\":[", SOT_ARG(sot_buf_str(&s->range_items)));
	add_unread(s);
	gw_map_walk(&s->subnet, s->ranges, s->range_count, s->runs, s->run_count, add_run, c);
	sot_buf_printf(&c->rows, "],\"cut\":%s}\n", s->cut ? "true" : "false");
	if (sot_buf_failed(&c->rows))
		call_problem(c, 500, "limit", "the map is larger than 32 MiB");
	else
		call_json(c, 200, sot_buf_str(&c->rows));
}

static void on_found_to_draw(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const subnet_call *s = c->state;
	store_tx *tx;
	sot_err err = {0};
	SOT_AUTO_BUF item;
	sot_buf_init(&item, 65536);
	if (!was_found(c, outcome))
		return;
	sot_buf_add_str(&item, sot_buf_str(&c->rows));
	sot_buf_reset(&c->rows);
	sot_buf_printf(&c->rows, "{\"subnet\":%.*s", SOT_ARG(sot_buf_str(&item)));
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_SUBNET_RANGES, on_ranges, c);
	store_arg_c(tx, s->name);
	store_arg_c(tx, s->vrf);
	store_query(tx, GW_SQL_SUBNET_RUNS, on_runs, c);
	store_arg_c(tx, s->name);
	store_arg_c(tx, s->vrf);
	if (store_commit(&tx, on_map_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_subnet_map(gw_call *c)
{
	find_subnet(c, on_found_to_draw);
}
