#include "definitions.h"

#include "cat_text.h"
#include "definitions_internal.h"
#include "sot_mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

definitions *definitions_new(void)
{
	return sot_alloc(sizeof(definitions));
}

void definition_rule_clear(definition_rule *rule)
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		free(rule->conditions[i].field);
		free(rule->conditions[i].value);
	}
	free(rule->kind);
	free(rule->type);
	free(rule->name);
	free(rule->status);
	free(rule->data);
}

static void free_metrics(definition_metric *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].help);
	}
	free(list);
}

definitions *definitions_free(definitions *d)
{
	if (!d)
		return NULL;
	for (size_t i = 0; i < d->group_count; i++) {
		free(d->groups[i].id);
		free(d->groups[i].title);
	}
	for (size_t i = 0; i < d->show_count; i++) {
		free(d->shows[i].group);
		free(d->shows[i].id);
	}
	for (size_t i = 0; i < d->rule_count; i++)
		definition_rule_clear(&d->rules[i]);
	free_metrics(d->gauges, d->gauge_count);
	free_metrics(d->metrics, d->metric_count);
	free(d->groups);
	free(d->shows);
	free(d->rules);
	free(d);
	return NULL;
}

double definition_read(const definition_value *v, const void *figures)
{
	return figure_read(v->figure, figures) * v->factor;
}

static const char *title_of(const definitions *d, figure_source source, const char *group)
{
	for (size_t i = 0; i < d->group_count; i++) {
		if (d->groups[i].source == source && strcmp(d->groups[i].id, group) == 0)
			return d->groups[i].title;
	}
	return group;
}

figure_source definition_beat_of(figure_source source)
{
	return source == FIGURE_INTERFACE ? FIGURE_HOST : source;
}

static void put_show(
    const definition_show *show, const char *id, const void *figures, cat_heartbeat *h)
{
	double value = definition_read(&show->value, figures);
	if (show->value.whole && value >= 0) {
		cat_heartbeat_count(h, id, (uint64_t)value);
	} else {
		cat_heartbeat_value(h, id, value);
	}
}

static sot_str interface_field(const void *self, sot_str field)
{
	(void)field; /* the parser allows {interface} only */
	return sot_str_c(((const interface_figures *)self)->name);
}

static void put_interfaces(
    const definition_show *show, const definition_figures *of, cat_heartbeat *h)
{
	char id[CAT_NAME_MAX + 1], scratch[CAT_NAME_MAX];
	for (size_t i = 0; i < of->interface_count; i++) {
		const interface_figures *f = &of->interfaces[i];
		sot_str filled = definition_fill(show->id, interface_field, f, scratch, sizeof(scratch));
		(void)snprintf(id, sizeof(id), "%.*s", SOT_ARG(filled));
		put_show(show, id, f, h);
	}
}

void definitions_heartbeat(
    const definitions *d, figure_source source, const definition_figures *figures, cat_heartbeat *h)
{
	const char *group = NULL;
	for (size_t i = 0; i < d->show_count; i++) {
		const definition_show *show = &d->shows[i];
		if (definition_beat_of(show->source) != source)
			continue;
		if (!group || strcmp(group, show->group) != 0)
			cat_heartbeat_group(h, show->group, title_of(d, source, show->group));
		group = show->group;
		if (show->source == FIGURE_INTERFACE) {
			put_interfaces(show, figures, h);
		} else {
			put_show(show, show->id, figures->figures, h);
		}
	}
}

const definition_metric *definitions_gauges(const definitions *d, size_t *ret_count)
{
	*ret_count = d->gauge_count;
	return d->gauges;
}

const definition_metric *definitions_metrics(const definitions *d, size_t *ret_count)
{
	*ret_count = d->metric_count;
	return d->metrics;
}

const definition_rule *definitions_rules(const definitions *d, size_t *ret_count)
{
	*ret_count = d->rule_count;
	return d->rules;
}

bool definition_rule_holds(const definition_rule *rule, definition_field_fn field, const void *self)
{
	for (size_t i = 0; i < rule->condition_count; i++) {
		const definition_condition *c = &rule->conditions[i];
		if (!sot_str_eq_c(field(self, sot_str_c(c->field)), c->value))
			return false;
	}
	return true;
}

typedef struct filling {
	char *dst;
	size_t n, size;
} filling;

/* Whole characters only: half of one would not be UTF-8. */
static void fill_in(filling *f, sot_str s)
{
	while (s.n > 0) {
		size_t n = sot_str_utf8_length(s);
		n = n > 0 ? n : 1;
		if (f->n + n > f->size)
			return;
		memcpy(f->dst + f->n, s.p, n);
		f->n += n;
		s = (sot_str){s.p + n, s.n - n};
	}
}

sot_str definition_fill(
    const char *text, definition_field_fn field, const void *self, char *dst, size_t dst_size)
{
	filling f = {.dst = dst, .size = dst_size};
	sot_str rest = sot_str_c(text);
	while (rest.n > 0) {
		fill_in(&f, sot_str_cut(rest, '{', &rest));
		if (rest.n > 0)
			fill_in(&f, field(self, sot_str_cut(rest, '}', &rest)));
	}
	return (sot_str){dst, f.n};
}
