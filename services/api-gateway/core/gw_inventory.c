#include "gw_inventory.h"

#include "sot_ip.h"
#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HOSTS_MAX = 20000,  /* of all groups; GW_MACHINES_MAX of them can be taken at a time */
	NAMED_MAX = 200000, /* a host may be named in many places */
	GROUPS_MAX = 2000,
	MEMBERS_MAX = 100000,
	CHILDREN_MAX = 10000,
	HOST_NAME_MAX = 253,
	GROUP_NAME_MAX = 128,
	RANGES_MAX = 4, /* in one name */
	ARENA_BYTES = 64 * 1024 * 1024
};

/* The variables that say what a column of machines.csv says. A later one of a pair is the older
 * name of the same. */
static const struct {
	const char *name;
	column column;
} known[] = {{"sotalia_name", NAME}, {"ansible_host", ADDRESS}, {"ansible_ssh_host", ADDRESS},
    {"sotalia_az", AZ}, {"az", AZ}, {"sotalia_rack", RACK}, {"rack", RACK},
    {"sotalia_labels", LABELS}, {"labels", LABELS}, {"sotalia_oob", OOB}, {"oob", OOB},
    {"ansible_port", PORT}, {"ansible_ssh_port", PORT}, {"ansible_user", USER},
    {"ansible_ssh_user", USER}, {"sotalia_sshkey", SSH_KEY}, {"sshkey", SSH_KEY}};

/* ---- what is read ---- */

static void full(inventory *v, const char *what, unsigned max)
{
	if (!v->is_full)
		machine_complain(
		    v->r, "", "more than %u %s in one inventory; bring a part of it", max, what);
	v->is_full = true;
}

size_t inventory_group_named(inventory *v, sot_str name)
{
	size_t at = (size_t)(uintptr_t)sot_map_get(v->group_by_name, name.p, name.n);
	if (at != 0)
		return at - 1;
	if (name.n == 0 || name.n > GROUP_NAME_MAX) {
		machine_complain(v->r, "", "a group has a name of 1 to %d bytes", GROUP_NAME_MAX);
		return INVENTORY_NONE;
	}
	if (v->group_count == GROUPS_MAX) {
		full(v, "groups", GROUPS_MAX);
		return INVENTORY_NONE;
	}
	if (v->group_count == v->group_cap) {
		size_t cap = v->group_cap > 0 ? v->group_cap * 2 : 16;
		v->groups = sot_grow_array(v->groups, v->group_cap, cap, sizeof(*v->groups));
		v->group_cap = cap;
	}
	v->groups[v->group_count] = (inventory_group){.name = sot_arena_dup(v->arena, name)};
	(void)sot_map_set(v->group_by_name, name.p, name.n, (void *)(uintptr_t)(v->group_count + 1));
	return v->group_count++;
}

static void add_edge(inventory *v, inventory_edges *edges, unsigned max, size_t of, size_t in)
{
	if (edges->count == max) {
		full(v, "memberships", max);
		return;
	}
	if (edges->count == edges->cap) {
		size_t cap = edges->cap > 0 ? edges->cap * 2 : 64;
		edges->items = sot_grow_array(edges->items, edges->cap, cap, sizeof(*edges->items));
		edges->cap = cap;
	}
	edges->items[edges->count++] = (inventory_edge){of, in, v->r->line};
}

void inventory_add_child(inventory *v, size_t child, size_t parent)
{
	if (child != INVENTORY_NONE && parent != INVENTORY_NONE)
		add_edge(v, &v->children, CHILDREN_MAX, child, parent);
}

/* ["ssd", "gpu"] and ssd,gpu -> ssd;gpu, as in the CSV. */
static sot_str plain_labels(inventory *v, sot_str value)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, CELL_MAX);
	for (size_t i = 0; i < value.n; i++)
		if (strchr("[]'\" ", value.p[i]) == NULL)
			sot_buf_add_char(&text, value.p[i] == ',' ? ';' : value.p[i]);
	return sot_arena_dup(v->arena, sot_buf_str(&text));
}

static bool is_template(sot_str value)
{
	return value.n > 1 && memmem(value.p, value.n, "{{", 2) != NULL;
}

void inventory_say(inventory *v, setting set[static COLUMNS], sot_str name, sot_str value)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		column c = known[i].column;
		if (!sot_str_eq_c(name, known[i].name))
			continue;
		if (value.n >= CELL_MAX)
			machine_complain(v->r, "", "%s has more than %d bytes", known[i].name, CELL_MAX - 1);
		else if (is_template(value))
			machine_complain(
			    v->r, "", "%s is a template of Ansible: write what comes out of it", known[i].name);
		else
			set[c] = (setting){
			    c == LABELS ? plain_labels(v, value) : sot_arena_dup(v->arena, value), v->r->line};
	}
}

static void merge(setting into[static COLUMNS], const setting from[static COLUMNS])
{
	for (int c = 0; c < COLUMNS; c++)
		if (from[c].line != 0)
			into[c] = from[c];
}

static void add_host(inventory *v, sot_str name, size_t group, const setting set[static COLUMNS])
{
	size_t at = (size_t)(uintptr_t)sot_map_get(v->host_by_name, name.p, name.n);
	if (at == 0 && v->host_count == HOSTS_MAX) {
		full(v, "hosts", HOSTS_MAX);
		return;
	}
	if (++v->named_count > NAMED_MAX) {
		full(v, "names of hosts", NAMED_MAX);
		return;
	}
	if (at == 0) {
		if (v->host_count == v->host_cap) {
			size_t cap = v->host_cap > 0 ? v->host_cap * 2 : 64;
			v->hosts = sot_grow_array(v->hosts, v->host_cap, cap, sizeof(*v->hosts));
			v->host_cap = cap;
		}
		v->hosts[v->host_count++] =
		    (inventory_host){.name = sot_arena_dup(v->arena, name), .line = v->r->line};
		at = v->host_count;
		(void)sot_map_set(v->host_by_name, name.p, name.n, (void *)(uintptr_t)at);
	}
	merge(v->hosts[at - 1].set, set);
	if (group != INVENTORY_NONE)
		add_edge(v, &v->members, MEMBERS_MAX, at - 1, group);
}

/* ---- ranges: node[01:30], rack-[a:d], [1:9:2] ---- */

typedef struct range {
	uint64_t from, to, step;
	int width;     /* of numbers with zeros before them; 0: none */
	bool is_alpha; /* letters */
} range;

static bool read_range(sot_str text, range *ret)
{
	sot_str to, step;
	sot_str from = sot_str_cut(text, ':', &to);
	to = sot_str_cut(to, ':', &step);
	*ret = (range){.step = 1};
	if (step.n > 0 && sot_parse_u64(step, 1, 100000, &ret->step, NULL) != SOT_OK)
		return false;
	ret->is_alpha = from.n == 1 && to.n == 1 && (from.p[0] | 32) >= 'a' && (from.p[0] | 32) <= 'z';
	if (ret->is_alpha) {
		ret->from = (unsigned char)from.p[0];
		ret->to = (unsigned char)to.p[0];
		return ret->from <= ret->to && (from.p[0] & 32) == (to.p[0] & 32);
	}
	ret->width = from.n > 1 && from.p[0] == '0' ? (int)from.n : 0;
	return from.n <= 9 && to.n <= 9 && (ret->width == 0 || from.n == to.n) &&
	       sot_parse_u64(from, 0, 999999999, &ret->from, NULL) == SOT_OK &&
	       sot_parse_u64(to, 0, 999999999, &ret->to, NULL) == SOT_OK && ret->from <= ret->to;
}

/* False when it went no further: what is wrong is told once, not for each name. */
static bool expand(inventory *v, sot_str before, sot_str rest, unsigned ranges, size_t group,
    const setting set[static COLUMNS])
{
	char name[HOST_NAME_MAX + 1];
	sot_str text, after;
	range at;
	const char *open = rest.n > 0 ? memchr(rest.p, '[', rest.n) : NULL;
	if (open == NULL) {
		int n = snprintf(name, sizeof(name), "%.*s%.*s", SOT_ARG(before), SOT_ARG(rest));
		if (n > 0 && (size_t)n < sizeof(name)) {
			add_host(v, sot_str_c(name), group, set);
			return !v->is_full;
		}
		machine_complain(v->r, "", "the name of a host has 1 to %d bytes", HOST_NAME_MAX);
		return false;
	}
	sot_str head = {rest.p, (size_t)(open - rest.p)};
	text = sot_str_cut((sot_str){open + 1, rest.n - head.n - 1}, ']', &after);
	if (ranges == RANGES_MAX || head.n + text.n + 1 == rest.n || !read_range(text, &at)) {
		machine_complain(v->r, "",
		    "[%.*s] is no range: write [01:30], [1:9:2] or [a:f], the smaller one first",
		    SOT_ARG(text));
		return false;
	}
	for (uint64_t i = at.from; i <= at.to; i += at.step) {
		int n = at.is_alpha ? snprintf(name, sizeof(name), "%.*s%.*s%c", SOT_ARG(before),
		                          SOT_ARG(head), (int)i)
		                    : snprintf(name, sizeof(name), "%.*s%.*s%0*llu", SOT_ARG(before),
		                          SOT_ARG(head), at.width, (unsigned long long)i);
		if (n < 0 || (size_t)n >= sizeof(name)) {
			machine_complain(v->r, "", "the name of a host has 1 to %d bytes", HOST_NAME_MAX);
			return false;
		}
		if (!expand(v, sot_str_c(name), after, ranges + 1, group, set))
			return false;
	}
	return true;
}

/* "node[1:9]:2222": the port is cut off. An address of IPv6 has more colons, and none. */
static sot_str cut_port(sot_str *pattern)
{
	size_t colons = 0, colon = 0, digits = 0;
	bool is_range = false;
	for (size_t i = 0; i < pattern->n; i++) {
		char c = pattern->p[i];
		is_range = c == '[' || (is_range && c != ']');
		if (c != ':' || is_range)
			continue;
		colons++;
		colon = i;
	}
	if (colons != 1)
		return (sot_str){0};
	sot_str port = {pattern->p + colon + 1, pattern->n - colon - 1};
	while (digits < port.n && port.p[digits] >= '0' && port.p[digits] <= '9')
		digits++;
	if (digits == 0 || digits < port.n)
		return (sot_str){0};
	pattern->n = colon;
	return port;
}

void inventory_add_hosts(
    inventory *v, sot_str pattern, size_t group, const setting set[static COLUMNS])
{
	setting all[COLUMNS] = {0};
	sot_str port = cut_port(&pattern);
	if (port.n > 0)
		inventory_say(v, all, SOT_STR("ansible_port"), port);
	merge(all, set);
	(void)expand(v, (sot_str){0}, pattern, 0, group, all); /* what went wrong was told */
}

/* ---- machines out of it ---- */

/* Depths, until nothing changes; false, told: a group is within itself. */
static bool find_depths(inventory *v)
{
	bool changed = true;
	/* Every group is within `all`, said or not. */
	for (size_t i = 0; i < v->group_count; i++)
		v->groups[i].depth = sot_str_eq_c(v->groups[i].name, "all") ? 0 : 1;
	for (size_t turn = 0; changed; turn++) {
		changed = false;
		for (size_t i = 0; i < v->children.count; i++) {
			const inventory_edge *e = &v->children.items[i];
			if (v->groups[e->of].depth > v->groups[e->in].depth)
				continue;
			if (turn > v->group_count) {
				v->r->line = e->line;
				machine_complain(v->r, "",
				    "group '%.*s' is within itself: take it out of its children",
				    SOT_ARG(v->groups[e->of].name));
				return false;
			}
			v->groups[e->of].depth = v->groups[e->in].depth + 1;
			changed = true;
		}
	}
	return true;
}

static int by_depth(const void *a, const void *b, void *self)
{
	const inventory *v = self;
	const inventory_group *x = &v->groups[*(const size_t *)a], *y = &v->groups[*(const size_t *)b];
	size_t n = x->name.n < y->name.n ? x->name.n : y->name.n;
	int order = n > 0 ? memcmp(x->name.p, y->name.p, n) : 0;
	if (x->depth != y->depth)
		return x->depth < y->depth ? -1 : 1;
	return order != 0 ? order : (x->name.n > y->name.n) - (x->name.n < y->name.n);
}

static int edges_by_depth(const void *a, const void *b, void *self)
{
	const inventory *v = self;
	unsigned x = v->groups[((const inventory_edge *)a)->of].depth;
	unsigned y = v->groups[((const inventory_edge *)b)->of].depth;
	return (x > y) - (x < y);
}

static int edges_by_host(const void *a, const void *b)
{
	size_t x = ((const inventory_edge *)a)->of, y = ((const inventory_edge *)b)->of;
	return (x > y) - (x < y);
}

/* Groups in the order in which their variables are taken, a later one over an earlier: by depth,
 * then by name. Each has a set of bits: itself and what it is within, by place in that order. */
typedef struct ranking {
	size_t *order, *rank;
	uint64_t *within;
	size_t words; /* of a set */
} ranking;

static void add_bits(uint64_t *into, const uint64_t *bits, size_t words)
{
	for (size_t i = 0; i < words; i++)
		into[i] |= bits[i];
}

static void set_bit(uint64_t *bits, size_t at)
{
	bits[at / 64] |= UINT64_C(1) << (at % 64);
}

static bool has_bit(const uint64_t *bits, size_t at)
{
	return (bits[at / 64] >> (at % 64) & 1) != 0;
}

static void rank_groups(inventory *v, ranking *ret)
{
	size_t n = v->group_count;
	*ret = (ranking){.words = n / 64 + 1};
	ret->order = sot_alloc((n + 1) * sizeof(size_t));
	ret->rank = sot_alloc((n + 1) * sizeof(size_t));
	ret->within = sot_alloc((n + 1) * ret->words * sizeof(uint64_t));
	for (size_t i = 0; i < n; i++)
		ret->order[i] = i;
	qsort_r(ret->order, n, sizeof(size_t), by_depth, v);
	for (size_t i = 0; i < n; i++) {
		ret->rank[ret->order[i]] = i;
		set_bit(ret->within + ret->order[i] * ret->words, i);
	}
	/* A parent is less deep than its child: when a child is looked at, its parents are whole. */
	if (v->children.count > 0)
		qsort_r(v->children.items, v->children.count, sizeof(inventory_edge), edges_by_depth, v);
	for (size_t i = 0; i < v->children.count; i++) {
		const inventory_edge *e = &v->children.items[i];
		add_bits(ret->within + e->of * ret->words, ret->within + e->in * ret->words, ret->words);
	}
}

static void copy_cell(reader *r, column c, sot_str text)
{
	if (sot_str_copy(text, r->cells[c], CELL_MAX, NULL) != SOT_OK)
		r->cells[c][0] = '\0';
}

/* What it is called, where it answers and where it stands is said by somebody, or complained of. */
static void take_host(inventory *v, const inventory_host *h, const setting set[static COLUMNS])
{
	static const struct {
		column column;
		const char *mend;
	} needed[] = {{ADDRESS, "write ansible_host=ADDRESS, the address of its sshd, on its line"},
	    {AZ, "write az=ZONE on its line, or among the variables of a group"},
	    {RACK, "write rack=RACK on its line, or among the variables of a group"}};
	reader *r = v->r;
	sot_ip address;
	bool is_whole = true;
	bool is_address = set[ADDRESS].line == 0 && sot_ip_parse(h->name, &address, NULL) == SOT_OK;
	r->line = h->line;
	for (int c = 0; c < COLUMNS; c++) {
		r->lines[c] = set[c].line;
		copy_cell(r, (column)c, set[c].line != 0 ? set[c].text : (sot_str){0});
	}
	if (set[NAME].line == 0)
		copy_cell(r, NAME, h->name);
	if (is_address)
		copy_cell(r, ADDRESS, h->name);
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (r->cells[needed[i].column][0] != '\0')
			continue;
		machine_complain(r, machine_columns[needed[i].column], "%.*s has no %s: %s",
		    SOT_ARG(h->name), machine_columns[needed[i].column], needed[i].mend);
		is_whole = false;
	}
	if (is_whole)
		machine_take(r);
	memset(r->lines, 0, sizeof(r->lines));
}

static void take_hosts(inventory *v, const ranking *ranks, size_t only)
{
	uint64_t *of = sot_alloc(ranks->words * sizeof(uint64_t));
	size_t edge = 0, all = (size_t)(uintptr_t)sot_map_get(v->group_by_name, "all", 3);
	if (v->members.count > 0)
		qsort(v->members.items, v->members.count, sizeof(inventory_edge), edges_by_host);
	for (size_t i = 0; i < v->host_count; i++) {
		setting set[COLUMNS] = {0};
		memset(of, 0, ranks->words * sizeof(uint64_t));
		if (all != 0)
			set_bit(of, ranks->rank[all - 1]);
		for (; edge < v->members.count && v->members.items[edge].of == i; edge++)
			add_bits(of, ranks->within + v->members.items[edge].in * ranks->words, ranks->words);
		if (only != INVENTORY_NONE && !has_bit(of, ranks->rank[only]))
			continue;
		if (v->r->m->row_count == GW_MACHINES_MAX) {
			machine_complain(v->r, "", "more than %u machines in one inventory; take a group of it",
			    GW_MACHINES_MAX);
			break;
		}
		for (size_t g = 0; g < v->group_count; g++)
			if (has_bit(of, g))
				merge(set, v->groups[ranks->order[g]].set);
		merge(set, v->hosts[i].set);
		take_host(v, &v->hosts[i], set);
	}
	free(of);
}

static void take_machines(inventory *v, sot_str group)
{
	ranking ranks;
	size_t only = (size_t)(uintptr_t)sot_map_get(v->group_by_name, group.p, group.n);
	if (group.n > 0 && only == 0 && !sot_str_eq_c(group, "all")) {
		v->r->line = 1;
		machine_complain(v->r, "", "no group is called '%.*s'", SOT_ARG(group));
		return;
	}
	if (!find_depths(v))
		return;
	rank_groups(v, &ranks);
	take_hosts(v, &ranks, only > 0 ? only - 1 : INVENTORY_NONE);
	free(ranks.order);
	free(ranks.rank);
	free(ranks.within);
}

/* The first line that says something shows which form it is. */
static bool is_yaml(sot_str text)
{
	while (text.n > 0) {
		sot_str line = machine_trimmed(sot_str_cut(text, '\n', &text));
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		const char *comment = memmem(line.p, line.n, " #", 2);
		if (comment != NULL)
			line = machine_trimmed((sot_str){line.p, (size_t)(comment - line.p)});
		return line.p[0] == '{' || sot_str_starts(line, "---") ||
		       (line.p[0] != '[' && line.p[line.n - 1] == ':');
	}
	return false;
}

void gw_machines_read_inventory(sot_str text, sot_str group, gw_machines *m)
{
	reader r;
	inventory v = {.r = &r,
	    .arena = sot_arena_new(ARENA_BYTES),
	    .group_by_name = sot_map_new(),
	    .host_by_name = sot_map_new()};
	machine_reader_begin(&r, m);
	text = machine_text(text);
	r.line = 1;
	if (!sot_str_is_utf8(text))
		machine_complain(&r, "", "the inventory is not UTF-8 text");
	else if (is_yaml(text))
		inventory_read_yaml(&v, text);
	else
		inventory_read_ini(&v, text);
	if (m->error_count == 0)
		take_machines(&v, group);
	machine_reader_end(&r);
	free(v.groups);
	free(v.hosts);
	free(v.members.items);
	free(v.children.items);
	(void)sot_map_free(v.group_by_name);
	(void)sot_map_free(v.host_by_name);
	(void)sot_arena_free(v.arena);
}
