#include "store_model_internal.h"

#include <string.h>

static elastic_rules *find(elastic_table *t, sot_uuid app_id, const char *group)
{
	for (size_t k = 0; k < t->count; k++) {
		if (sot_uuid_eq(t->sets[k].app_id, app_id) && strcmp(t->sets[k].group, group) == 0)
			return &t->sets[k];
	}
	return NULL;
}

elastic_table *elastic_table_of(const controller_batch *b)
{
	if (b->elastic_count == 0)
		return NULL;
	elastic_table *to = sot_alloc(sizeof(*to));
	for (size_t k = 0; k < b->elastic_count && to->count < ELASTICS_MAX; k++) {
		const elastic_row *row = &b->elastics[k];
		elastic_rules *set = &to->sets[to->count++];
		*set = (elastic_rules){
		    .app_id = row->app_id, .is_gone = row->policy == NULL, .kept = row->kept};
		memcpy(set->group, row->group, sizeof(set->group));
		if (row->policy)
			set->policy = *row->policy;
	}
	return to;
}

static void drop(elastic_table *t, elastic_rules *set)
{
	*set = t->sets[--t->count];
}

void elastic_table_write(elastic_table *to, const elastic_table *from)
{
	for (size_t k = 0; from && k < from->count; k++) {
		const elastic_rules *new = &from->sets[k];
		elastic_rules *old = find(to, new->app_id, new->group);
		int64_t scaled = old ? old->scaled_unix_ms : 0;
		if (new->is_gone) {
			if (old)
				drop(to, old);
			continue;
		}
		if (!old && to->count < ELASTICS_MAX)
			old = &to->sets[to->count++];
		if (old) {
			*old = *new;
			old->scaled_unix_ms = scaled;
		}
	}
}

void elastic_table_delete_app(elastic_table *t, sot_uuid app_id)
{
	for (size_t k = t->count; k > 0; k--) {
		if (sot_uuid_eq(t->sets[k - 1].app_id, app_id))
			drop(t, &t->sets[k - 1]);
	}
}

sot_code elastic_table_load(const elastic_table *t, controller *c, sot_err *err)
{
	sot_code code = SOT_OK;

	for (size_t k = 0; k < t->count && code == SOT_OK; k++) {
		const elastic_rules *set = &t->sets[k];
		elastic_policy policy = set->policy;
		elastic_row row = {.app_id = set->app_id, .policy = &policy};
		memcpy(row.group, set->group, sizeof(row.group));
		if (!t->forgets_what_lasts)
			row.kept = set->kept;
		policy.rule_count = 0; /* they come as rows of their own */
		code = controller_load_elastic(c, &row, err);
		for (size_t r = 0; r < set->policy.rule_count && code == SOT_OK; r++) {
			elastic_rule_row rule = {.app_id = set->app_id, .rule = set->policy.rules[r]};
			memcpy(rule.group, set->group, sizeof(rule.group));
			code = controller_load_elastic_rule(c, &rule, err);
		}
	}
	return code;
}

/* Whether these rules may have begun it, the last of their operations at that time. */
static bool may(
    const elastic_rules *set, int64_t scaled_unix_ms, const operation_row *o, uint32_t have)
{
	const elastic_policy *p = &set->policy;
	bool grows = o->count > have;
	uint32_t cooldown_s = grows ? p->up_cooldown_s : p->down_cooldown_s;

	if (set->is_gone || !p->enabled || p->dry_run || o->count == have)
		return false;
	if (grows ? o->count > p->max : o->count < p->min)
		return false;
	return (grows && have < p->min) || scaled_unix_ms == 0 ||
	       o->created_unix_ms - scaled_unix_ms >= cooldown_s * 1000ll;
}

/* Before the batch is applied: rules began the operation, of an app or group with so many
 * instances. */
static sot_code check(elastic_table *t, const elastic_table *batch, const operation_row *o,
    uint32_t have, sot_err *err)
{
	elastic_rules *before = find(t, o->app_id, o->group);
	/* The batch is not written to: `find` alone is not const. */
	const elastic_rules *now =
	    batch ? find((elastic_table *)(uintptr_t)batch, o->app_id, o->group) : NULL;
	int64_t scaled = before ? before->scaled_unix_ms : 0;

	/* Its rules may have been changed, or deleted, in the same batch. */
	if (!(before && may(before, scaled, o, have)) && !(now && may(now, scaled, o, have)))
		return sot_fail(err, SOT_CONFLICT,
		    "%s took %s%s%s from %u to %u, %lld ms after its last change: its rules do not let it",
		    o->actor, o->target, o->group[0] ? "/" : "", o->group, have, o->count,
		    (long long)(scaled ? o->created_unix_ms - scaled : -1));
	if (before)
		before->scaled_unix_ms = o->created_unix_ms;
	t->grown += o->count > have;
	t->shrunk += o->count < have;
	return SOT_OK;
}

/* Wanted instances of the app, or of its group. */
static uint32_t count_wanted(const store_model *s, sot_uuid app_id, const char *group)
{
	sot_map_iter it = {0};
	const instance_row *i;
	uint32_t n = 0;

	while ((i = sot_map_next(s->tables[INSTANCES].rows, &it, NULL))) {
		const group_row *g = sot_map_get_uuid(s->tables[GROUPS].rows, i->make->group_id);
		n += sot_uuid_eq(i->make->app_id, app_id) && i->desired != SOT_DESIRED_STATE_RETIRED &&
		     (!group[0] || (g && strcmp(g->name, group) == 0));
	}
	return n;
}

/* Somebody else changes how many there are in the same batch, so that nobody can say from how many
 * the operation took them. */
static bool is_blurred(
    const store_model *s, const store_rows *r, const operation_row *o, uint32_t have)
{
	uint32_t come = 0, gone = 0;

	for (size_t k = 0; k < r->count; k++) {
		const instance_row *i = r->items[k].row;
		if (r->items[k].table == OPERATIONS &&
		    ((const operation_row *)r->items[k].row)->kind == OPERATION_GROUP_MOVE)
			return true;
		if (r->items[k].table != INSTANCES || !sot_uuid_eq(i->make->app_id, o->app_id))
			continue;
		const instance_row *before = sot_map_get_uuid(s->tables[INSTANCES].rows, i->id);
		come += before == NULL;
		gone += before && before->desired != SOT_DESIRED_STATE_RETIRED &&
		        i->desired == SOT_DESIRED_STATE_RETIRED;
	}
	return (come > 0 && (gone > 0 || have + come != o->count)) ||
	       (gone > 0 && have - gone != o->count);
}

sot_code elastics_check(store_model *s, const store_rows *r, sot_err *err)
{
	sot_code code = SOT_OK;

	for (size_t k = 0; k < r->count && code == SOT_OK; k++) {
		const operation_row *o = r->items[k].row;
		if (r->items[k].table != OPERATIONS || strncmp(o->actor, "elastic:", 8) != 0 ||
		    sot_map_get_uuid(s->tables[OPERATIONS].rows, o->id))
			continue;
		uint32_t have = count_wanted(s, o->app_id, o->group);
		if (!is_blurred(s, r, o, have))
			code = check(&s->elastics, r->elastics, o, have, err);
	}
	return code;
}
