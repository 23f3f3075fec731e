/* Requests that change the small tables: plans, teams, host classes, mixing. Each table is written
 * as a whole by the batch that accepts the change. */
#include "requests.h"
#include "rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sot_parse.h"

#define TABLE_ROWS_MAX 1000

static bool check_name(const sot_map *table, sot_str name, const char *what, problem *p)
{
	if (!sot_is_label(name, 30))
		return problem_set(p, SOT_REFUSAL_INVALID, "/name",
		    "'%.*s' is no name of a %s: a-z, 0-9 and '-', a letter first, no '-' last",
		    SOT_ARG(name), what);
	if (!sot_map_get(table, name.p, name.n) && sot_map_count(table) >= TABLE_ROWS_MAX)
		return problem_set(p, SOT_REFUSAL_LIMIT, "/name",
		    "there are %d of them, which is the most; delete one that nothing uses",
		    TABLE_ROWS_MAX);
	return true;
}

/* The accepted change: operation, audit, reply and event. Takes ch. */
static void accept_change(request *q, uint64_t request_id, const sot_request_context *context,
    operation_kind kind, sot_str name, const char *event, changes *ch)
{
	sot_buf data = changes_end(ch), spec;
	char subject[81];

	model_copy_text(subject, sizeof(subject), name);
	model_text_init(&spec);
	sot_buf_add_str(&spec, sot_buf_str(&data));
	operation *o = request_accept(q, &(acceptance){.request_id = request_id,
	                                     .context = context,
	                                     .kind = kind,
	                                     .target = name,
	                                     .spec = &spec});
	say_event(q->c, event, subject, NULL, NULL, o, &data);
}

typedef struct small_table {
	sot_map *rows; /* by name */
	size_t row_size;
	const char *what; /* one row is */
} small_table;

/* The row that a request is about, made when it was not there, and the changes of it; NULL when the
 * request has been answered already. */
static void *begin_change(request *q, uint64_t request_id, const sot_request_context *context,
    const small_table *t, sot_str name, changes *ch)
{
	problem p;

	if (request_is_replay(q, request_id, context))
		return NULL;
	if (!check_name(t->rows, name, t->what, &p)) {
		request_refuse(q, request_id, &p);
		return NULL;
	}
	changes_begin(ch);
	void *row = sot_map_get(t->rows, name.p, name.n);
	ch->is_new = !row;
	if (!row) {
		row = sot_alloc(t->row_size);
		sot_map_set(t->rows, name.p, name.n, row);
	}
	return row;
}

/* One field of a row: what changed is noted, then taken over. */
#define TAKE(row, m, field, word)                                                                  \
	do {                                                                                           \
		changes_number(&ch, word, (row)->field, (m)->field);                                       \
		(row)->field = (m)->field;                                                                 \
	} while (0)

/* ---- plans ---- */

/* What a plan says besides sizes reaches what runs. */
static void tell_instances(controller *c, const char *plan)
{
	for (sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		app *a = SOT_CONTAINER(l, app, all);
		for (sot_link *k = a->instances.next; k != &a->instances; k = k->next) {
			instance *i = SOT_CONTAINER(k, instance, of_app);
			if (strcmp(i->row.make->plan, plan) != 0 || !i->host)
				continue;
			i->row.generation++;
			model_spec_changed(c, i);
		}
	}
}

void on_plan_set(void *self, const void *from, const sot_plan_set *m)
{
	request *q = self;
	const small_table table = {q->c->plans, sizeof(plan_row), "plan"};
	changes ch;
	plan_row *row = begin_change(q, m->request_id, &m->context, &table, m->name, &ch);

	(void)from;
	if (!row)
		return;
	model_copy_text(row->name, sizeof(row->name), m->name);
	TAKE(row, m, cpu_milli, "cpuMilli");
	TAKE(row, m, memory_bytes, "memoryBytes");
	TAKE(row, m, disk_bytes, "diskBytes");
	TAKE(row, m, bandwidth_kbit, "bandwidthKbit");
	size_t sizes = ch.count;
	TAKE(row, m, cpu_pinned, "cpuPinned");
	TAKE(row, m, pids_max, "pidsMax");
	TAKE(row, m, io_weight, "ioWeight");
	if (ch.count > sizes)
		tell_instances(q->c, row->name);
	q->c->rewrite.plans = true;
	accept_change(q, m->request_id, &m->context, OPERATION_PLAN_SET, m->name, "plan.updated", &ch);
}

/* ---- teams ---- */

void on_team_set(void *self, const void *from, const sot_team_set *m)
{
	request *q = self;
	const small_table table = {q->c->teams, sizeof(team_row), "team"};
	changes ch;
	team_row *row = begin_change(q, m->request_id, &m->context, &table, m->name, &ch);

	(void)from;
	if (!row)
		return;
	model_copy_text(row->name, sizeof(row->name), m->name);
	TAKE(row, m, cpu_milli, "cpuMilli");
	TAKE(row, m, memory_bytes, "memoryBytes");
	TAKE(row, m, disk_bytes, "diskBytes");
	TAKE(row, m, instances, "instances");
	q->c->rewrite.teams = true;
	q->c->capacity_changed = true;
	fleet_forget_told(q->c);
	accept_change(q, m->request_id, &m->context, OPERATION_TEAM_SET, m->name, "team.updated", &ch);
}

/* ---- host classes ---- */

static void apply_to_hosts(controller *c, const char *class)
{
	for (sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		host *h = SOT_CONTAINER(l, host, all);
		if (strcmp(h->row.class, class) == 0)
			requests_apply_class(c, h);
	}
	c->capacity_changed = true;
}

void on_host_class_set(void *self, const void *from, const sot_host_class_set *m)
{
	request *q = self;
	const small_table table = {q->c->host_classes, sizeof(host_class_row), "host class"};
	changes ch;
	host_class_row *row = begin_change(q, m->request_id, &m->context, &table, m->name, &ch);

	(void)from;
	if (!row)
		return;
	model_copy_text(row->name, sizeof(row->name), m->name);
	TAKE(row, m, cpu_overcommit_permille, "cpuPermille");
	TAKE(row, m, memory_overcommit_permille, "memoryPermille");
	TAKE(row, m, disk_overcommit_permille, "diskPermille");
	TAKE(row, m, reserve_cpu_milli, "reserveCpuMilli");
	TAKE(row, m, reserve_memory_bytes, "reserveMemoryBytes");
	TAKE(row, m, reserve_disk_bytes, "reserveDiskBytes");
	TAKE(row, m, max_instances, "maxInstances");
	TAKE(row, m, max_starts, "maxStarts");
	q->c->rewrite.host_classes = true;
	apply_to_hosts(q->c, row->name);
	accept_change(q, m->request_id, &m->context, OPERATION_HOST_CLASS_SET, m->name,
	    "host_class.updated", &ch);
}

/* ---- mixing ---- */

void on_mixing_set(void *self, const void *from, const sot_mixing_set *m)
{
	request *q = self;
	uint32_t *limit = &q->c->mixing[m->workload][m->beside];
	char name[40];
	changes ch;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	(void)snprintf(
	    name, sizeof(name), "%s/%s", sot_workload_name(m->workload), sot_workload_name(m->beside));
	changes_begin(&ch);
	ch.is_new = *limit == MIXING_FREE;
	ch.is_gone = !m->limited;
	changes_number(&ch, "atMost", *limit, m->at_most);
	*limit = m->limited ? m->at_most : MIXING_FREE;
	q->c->rewrite.mixing = true;
	q->c->capacity_changed = true;
	fleet_forget_told(q->c);
	accept_change(q, m->request_id, &m->context, OPERATION_MIXING_SET, sot_str_c(name),
	    "mixing.updated", &ch);
}

/* ---- away with one ---- */

static const char *user_of_plan(const controller *c, sot_str name)
{
	for (const sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		if (sot_str_eq_c(name, a->row.plan))
			return a->row.name;
	}
	return NULL;
}

static const char *user_of_team(const controller *c, sot_str name)
{
	for (const sot_link *l = c->all_apps.next; l != &c->all_apps; l = l->next) {
		const app *a = SOT_CONTAINER(l, app, all);
		if (sot_str_eq_c(name, a->row.team))
			return a->row.name;
	}
	return NULL;
}

static const char *user_of_class(const controller *c, sot_str name)
{
	for (const sot_link *l = c->all_hosts.next; l != &c->all_hosts; l = l->next) {
		const host *h = SOT_CONTAINER(l, host, all);
		if (sot_str_eq_c(name, h->row.class))
			return h->row.name;
	}
	return sot_str_eq_c(name, "default") ? "every new host" : NULL;
}

typedef struct deletion {
	sot_map *table;
	bool *rewrite;
	const char *what, *event;
	operation_kind kind;
	const char *user; /* NULL: nothing uses it */
} deletion;

static deletion deletion_of(controller *c, const sot_catalogue_delete *m)
{
	switch (m->kind) {
	case SOT_CATALOGUE_PLAN:
		return (deletion){c->plans, &c->rewrite.plans, "plan", "plan.updated",
		    OPERATION_PLAN_DELETE, user_of_plan(c, m->name)};
	case SOT_CATALOGUE_TEAM:
		return (deletion){c->teams, &c->rewrite.teams, "team", "team.updated",
		    OPERATION_TEAM_DELETE, user_of_team(c, m->name)};
	case SOT_CATALOGUE_HOST_CLASS:
		break;
	}
	return (deletion){c->host_classes, &c->rewrite.host_classes, "host class", "host_class.updated",
	    OPERATION_HOST_CLASS_DELETE, user_of_class(c, m->name)};
}

void on_catalogue_delete(void *self, const void *from, const sot_catalogue_delete *m)
{
	request *q = self;
	deletion d = deletion_of(q->c, m);
	char name[34];
	problem p;
	changes ch;

	(void)from;
	if (request_is_replay(q, m->request_id, &m->context))
		return;
	void *row = sot_map_get(d.table, m->name.p, m->name.n);
	if (!row || d.user) {
		if (!row)
			problem_set(&p, SOT_REFUSAL_NOT_FOUND, "/name", "no %s is called '%.*s'", d.what,
			    SOT_ARG(m->name));
		else
			problem_set(&p, SOT_REFUSAL_CONFLICT, "/name",
			    "%s '%.*s' is in use by %s; give that another one first", d.what, SOT_ARG(m->name),
			    d.user);
		request_refuse(q, m->request_id, &p);
		return;
	}
	model_copy_text(name, sizeof(name), m->name);
	changes_begin(&ch);
	ch.is_gone = true;
	changes_text(&ch, "name", name, "");
	sot_map_remove(d.table, m->name.p, m->name.n);
	free(row);
	*d.rewrite = true;
	accept_change(q, m->request_id, &m->context, d.kind, sot_str_c(name), d.event, &ch);
}
