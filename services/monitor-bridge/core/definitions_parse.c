/* The text of definitions: what each kind of line may say, checked where it stands. */
#include "definitions_line.h"

#include "cat_text.h"
#include "sot_mem.h"
#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

/* ---- checks ---- */

static sot_code check_id(line *l, const char *id)
{
	char scratch[CAT_NAME_MAX];
	uint64_t repaired = 0;
	(void)cat_clean_id(sot_str_c(id), scratch, &repaired);
	if (repaired > 0 || id[0] == '\0')
		return line_complain(
		    l, "CAT takes ids of 1..256 letters, digits and \"._ /-\", not", sot_str_c(id));
	return SOT_OK;
}

/* Templates are checked with their fields left out. `only`: the one field there is, NULL for any.
 */
static sot_code check_template(line *l, const char *text, bool is_id, const char *only)
{
	char bare[DEFINITION_WORD_MAX], scratch[CAT_NAME_MAX];
	size_t n = 0;
	uint64_t repaired = 0;
	sot_str rest = sot_str_c(text);
	while (rest.n > 0) {
		sot_str tail, plain = sot_str_cut(rest, '{', &tail);
		memcpy(bare + n, plain.p, plain.n);
		n += plain.n;
		if (plain.n == rest.n)
			break;
		sot_str field = sot_str_cut(tail, '}', &rest);
		if (field.n == tail.n || field.n == 0)
			return line_complain(l, "a field is {name}, but this is not closed:", sot_str_c(text));
		if (only && !sot_str_eq_c(field, only))
			return sot_fail(l->err, SOT_INVALID,
			    "%s:%u: only {%s} can be filled in here, not \"%.*s\"", l->file, l->number, only,
			    SOT_ARG(field));
	}
	sot_str s = {bare, n};
	(void)(is_id ? cat_clean_id(s, scratch, &repaired) : cat_clean_name(s, scratch, &repaired));
	if (repaired == 0 && text[0] != '\0')
		return SOT_OK;
	return line_complain(l,
	    is_id ? "CAT takes ids of 1..256 letters, digits and \"._ /-\", not"
	          : "CAT takes 1..256 printable ASCII characters without ';', not",
	    sot_str_c(text));
}

static sot_code read_source(line *l, figure_source *ret)
{
	const char *text;
	sot_code code = line_need_word(l, "source", &text);
	if (code != SOT_OK)
		return code;
	*ret = figure_source_find(sot_str_c(text));
	if (*ret == FIGURE_SOURCES)
		return line_complain(l,
		    "a source is host, instance, interface, bridge, platform or pool, not",
		    sot_str_c(text));
	return SOT_OK;
}

static sot_code read_factor(line *l, double *ret)
{
	const char *divide = line_value_of(l, "divide"), *times = line_value_of(l, "times");
	const char *text = divide ? divide : times;
	double number = 1;
	if (divide && times)
		return line_complain(l, "either divide or times, not both:", sot_str_c(divide));
	if (text && (sot_parse_double(sot_str_c(text), &number, NULL) != SOT_OK || number <= 0 ||
	                number > 1e18 || number < 1e-18))
		return line_complain(l, "a factor is a number above 0, not", sot_str_c(text));
	*ret = divide ? 1 / number : number;
	return SOT_OK;
}

static sot_code read_value(line *l, figure_source source, definition_value *ret)
{
	const char *name;
	sot_code code = line_need(l, "from", &name);
	if (code != SOT_OK)
		return code;
	ret->figure = figure_find(source, sot_str_c(name));
	if (!ret->figure)
		return sot_fail(l->err, SOT_INVALID,
		    "%s:%u: %s has no figure \"%s\" (sotalia-monitor-bridge --figures lists them)", l->file,
		    l->number, figure_source_name(source), name);
	return read_factor(l, &ret->factor);
}

static sot_code room(line *l, size_t count)
{
	if (count < DEFINITIONS_PER_KIND_MAX)
		return SOT_OK;
	return sot_fail(l->err, SOT_LIMIT, "%s:%u: more than %d lines of this kind", l->file, l->number,
	    DEFINITIONS_PER_KIND_MAX);
}

/* ---- lines ---- */

static sot_code take_group(definitions *d, line *l)
{
	figure_source source;
	const char *id = NULL, *title = NULL;
	sot_code code = read_source(l, &source);
	if (code == SOT_OK)
		code = line_need_word(l, "id", &id);
	if (code == SOT_OK)
		code = check_id(l, id);
	if (code == SOT_OK)
		code = line_need(l, "title", &title);
	if (code == SOT_OK)
		code = check_id(l, title);
	if (code == SOT_OK)
		code = room(l, d->group_count);
	if (code != SOT_OK)
		return code;
	d->groups = sot_grow_array(d->groups, d->group_count, d->group_count + 1, sizeof(*d->groups));
	d->groups[d->group_count++] = (definition_group){source, sot_strdup(id), sot_strdup(title)};
	return SOT_OK;
}

static size_t find_show(const definitions *d, figure_source source, const char *id)
{
	size_t i = 0;
	while (i < d->show_count &&
	       (definition_beat_of(d->shows[i].source) != definition_beat_of(source) ||
	           strcmp(d->shows[i].id, id) != 0))
		i++;
	return i;
}

/* Behind the last of its group, so that a group is one box. */
static void insert_show(definitions *d, definition_show show)
{
	size_t at = d->show_count;
	for (size_t i = 0; i < d->show_count; i++) {
		if (definition_beat_of(d->shows[i].source) == definition_beat_of(show.source) &&
		    strcmp(d->shows[i].group, show.group) == 0)
			at = i + 1;
	}
	d->shows = sot_grow_array(d->shows, d->show_count, d->show_count + 1, sizeof(*d->shows));
	memmove(&d->shows[at + 1], &d->shows[at], (d->show_count - at) * sizeof(*d->shows));
	d->shows[at] = show;
	d->show_count++;
}

/* Interfaces share a definition, so their name is in the id; other ids have no fields. */
static sot_code check_show_id(line *l, figure_source source, const char *id)
{
	if (source != FIGURE_INTERFACE)
		return check_id(l, id);
	sot_code code = check_template(l, id, true, "interface");
	if (code == SOT_OK && !strstr(id, "{interface}"))
		code =
		    line_complain(l, "interfaces share this id, {interface} is missing in", sot_str_c(id));
	return code;
}

static sot_code take_show(definitions *d, line *l)
{
	figure_source source = FIGURE_SOURCES;
	definition_value value = {NULL, 1, false};
	const char *group = NULL, *id = NULL;
	sot_code code = read_source(l, &source);
	if (code == SOT_OK && source > FIGURE_BRIDGE)
		code = line_complain(l,
		    "a heartbeat is of host (or its interfaces), instance or bridge, not of",
		    sot_str_c(figure_source_name(source)));
	if (code == SOT_OK)
		code = line_need(l, "group", &group);
	if (code == SOT_OK)
		code = check_id(l, group);
	if (code == SOT_OK)
		code = line_need(l, "id", &id);
	if (code == SOT_OK)
		code = check_show_id(l, source, id);
	if (code == SOT_OK)
		code = read_value(l, source, &value);
	if (code == SOT_OK && find_show(d, source, id) < d->show_count)
		code = line_complain(l, "an id is used once in all groups (hide it first):", sot_str_c(id));
	if (code == SOT_OK)
		code = room(l, d->show_count);
	if (code != SOT_OK)
		return code;
	const char *whole = line_next_word(l);
	if (whole && strcmp(whole, "whole") != 0)
		return line_complain(l, "this line has no use for", sot_str_c(whole));
	value.whole = whole != NULL;
	insert_show(d, (definition_show){source, value, sot_strdup(group), sot_strdup(id)});
	return SOT_OK;
}

static sot_code take_hide(definitions *d, line *l)
{
	figure_source source;
	const char *id = NULL;
	sot_code code = read_source(l, &source);
	if (code == SOT_OK)
		code = line_need(l, "id", &id);
	if (code != SOT_OK)
		return code;
	size_t at = find_show(d, source, id);
	if (at == d->show_count)
		return line_complain(l, "nothing shows the id", sot_str_c(id));
	free(d->shows[at].group);
	free(d->shows[at].id);
	d->show_count--;
	memmove(&d->shows[at], &d->shows[at + 1], (d->show_count - at) * sizeof(*d->shows));
	return SOT_OK;
}

static void add_metric(definition_metric **list, size_t *count, definition_metric m)
{
	*list = sot_grow_array(*list, *count, *count + 1, sizeof(**list));
	(*list)[(*count)++] = m;
}

static bool metric_exists(
    const definition_metric *list, size_t count, figure_source source, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i].source == source && strcmp(list[i].name, name) == 0)
			return true;
	}
	return false;
}

static sot_code take_gauge(definitions *d, line *l)
{
	definition_metric m = {.value = {NULL, 1, false}};
	const char *name = NULL;
	sot_code code = read_source(l, &m.source);
	if (code == SOT_OK && m.source != FIGURE_PLATFORM && m.source != FIGURE_POOL)
		code = line_complain(l,
		    "the business page has no machines: a gauge is of platform or pool, not of",
		    sot_str_c(figure_source_name(m.source)));
	if (code == SOT_OK)
		code = line_need_word(l, "name", &name);
	if (code == SOT_OK)
		code = check_template(l, name, true, "pool");
	if (code == SOT_OK && m.source == FIGURE_POOL && !strstr(name, "{pool}"))
		code = line_complain(l, "pools share this name, {pool} is missing in", sot_str_c(name));
	if (code == SOT_OK)
		code = read_value(l, m.source, &m.value);
	if (code == SOT_OK && metric_exists(d->gauges, d->gauge_count, m.source, name))
		code = line_complain(l, "there is a gauge already:", sot_str_c(name));
	if (code == SOT_OK)
		code = room(l, d->gauge_count);
	if (code != SOT_OK)
		return code;
	m.name = sot_strdup(name);
	add_metric(&d->gauges, &d->gauge_count, m);
	return SOT_OK;
}

/* https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md, "metricname"
 */
static bool is_metric_name(const char *s)
{
	for (size_t i = 0; s[i]; i++) {
		bool letter = (s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || s[i] == '_';
		if (!letter && (i == 0 || s[i] < '0' || s[i] > '9'))
			return false;
	}
	return s[0] != '\0';
}

static sot_code take_metric(definitions *d, line *l)
{
	definition_metric m = {.value = {NULL, 1, false}};
	const char *name = NULL, *help = NULL;
	sot_code code = read_source(l, &m.source);
	if (code == SOT_OK && m.source == FIGURE_BRIDGE)
		code = line_complain(
		    l, "the bridge's own metrics are there by themselves:", SOT_STR("bridge"));
	if (code == SOT_OK)
		code = line_need_word(l, "name", &name);
	if (code == SOT_OK && !is_metric_name(name))
		code = line_complain(
		    l, "a metric is named with letters, digits and '_', not", sot_str_c(name));
	if (code == SOT_OK && (metric_exists(d->metrics, d->metric_count, FIGURE_HOST, name) ||
	                          metric_exists(d->metrics, d->metric_count, FIGURE_INTERFACE, name) ||
	                          metric_exists(d->metrics, d->metric_count, FIGURE_INSTANCE, name) ||
	                          metric_exists(d->metrics, d->metric_count, FIGURE_PLATFORM, name) ||
	                          metric_exists(d->metrics, d->metric_count, FIGURE_POOL, name)))
		code = line_complain(l, "there is a metric already:", sot_str_c(name));
	if (code == SOT_OK)
		code = read_value(l, m.source, &m.value);
	if (code == SOT_OK)
		code = line_need(l, "help", &help);
	if (code == SOT_OK)
		code = room(l, d->metric_count);
	if (code != SOT_OK)
		return code;
	m.name = sot_strdup(name);
	m.help = sot_strdup(help);
	add_metric(&d->metrics, &d->metric_count, m);
	return SOT_OK;
}

static sot_code read_conditions(line *l, definition_rule *rule)
{
	const char *text;
	while ((text = line_value_of(l, "if"))) {
		sot_str value, whole = sot_str_c(text), field = sot_str_cut(whole, ':', &value);
		if (field.n == 0 || field.n == whole.n)
			return line_complain(l, "a condition is if=FIELD:VALUE, not", whole);
		if (rule->condition_count == DEFINITION_CONDITIONS_MAX)
			return line_complain(l, "at most 4 conditions, without", whole);
		rule->conditions[rule->condition_count++] =
		    (definition_condition){sot_strndup(field), sot_strndup(value)};
	}
	return SOT_OK;
}

static sot_code read_target(line *l, definition_target *ret)
{
	static const char *const words[] = {"controller", "host", "instance"};
	const char *text;
	sot_code code = line_need(l, "on", &text);
	for (size_t i = 0; code == SOT_OK && i < 3; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret = (definition_target)i;
			return SOT_OK;
		}
	}
	return code != SOT_OK
	           ? code
	           : line_complain(l, "on= is host, instance or controller, not", sot_str_c(text));
}

static sot_code read_text(line *l, const char *key, bool is_name, char **ret)
{
	const char *text;
	sot_code code = line_need(l, key, &text);
	if (code == SOT_OK && is_name)
		code = check_template(l, text, false, NULL);
	if (code == SOT_OK)
		*ret = sot_strdup(text);
	return code;
}

static sot_code read_event(line *l, definition_rule *rule)
{
	sot_code code = read_target(l, &rule->on);
	if (code == SOT_OK)
		code = read_text(l, "type", true, &rule->type);
	if (code == SOT_OK)
		code = read_text(l, "name", true, &rule->name);
	if (code == SOT_OK)
		code = read_text(l, "status", true, &rule->status);
	if (code == SOT_OK)
		code = read_text(l, "data", false, &rule->data);
	if (code == SOT_OK && rule->data[0] == '@')
		code = line_complain(
		    l, "data that begins with '@' is an aggregate to CAT:", sot_str_c(rule->data));
	return code;
}

static sot_code read_count(line *l, definition_rule *rule)
{
	sot_code code = read_text(l, "name", true, &rule->name);
	if (code == SOT_OK)
		code = check_template(l, rule->name, true, NULL);
	rule->is_count = true;
	return code;
}

static sot_code take_rule(definitions *d, line *l, sot_code (*read)(line *, definition_rule *))
{
	definition_rule rule = {.kind = NULL};
	const char *kind = NULL;
	sot_code code = line_need_word(l, "kind of event", &kind);
	if (code == SOT_OK)
		code = room(l, d->rule_count);
	if (code == SOT_OK)
		code = read_conditions(l, &rule);
	if (code == SOT_OK)
		code = read(l, &rule);
	if (code != SOT_OK) {
		definition_rule_clear(&rule);
		return code;
	}
	rule.kind = sot_strdup(kind);
	d->rules = sot_grow_array(d->rules, d->rule_count, d->rule_count + 1, sizeof(*d->rules));
	d->rules[d->rule_count++] = rule;
	return SOT_OK;
}

static sot_code take_event(definitions *d, line *l)
{
	return take_rule(d, l, read_event);
}

static sot_code take_count(definitions *d, line *l)
{
	return take_rule(d, l, read_count);
}

static sot_code take_ignore(definitions *d, line *l)
{
	const char *kind;
	size_t kept = 0;
	sot_code code = line_need_word(l, "kind of event", &kind);
	if (code != SOT_OK)
		return code;
	for (size_t i = 0; i < d->rule_count; i++) {
		if (strcmp(d->rules[i].kind, kind) == 0) {
			definition_rule_clear(&d->rules[i]);
		} else {
			d->rules[kept++] = d->rules[i];
		}
	}
	if (kept == d->rule_count)
		return line_complain(l, "no rule is of the kind", sot_str_c(kind));
	d->rule_count = kept;
	return SOT_OK;
}

static sot_code take_line(definitions *d, line *l)
{
	static const struct {
		const char *word;
		sot_code (*take)(definitions *d, line *l);
	} kinds[] = {
	    {"group", take_group},
	    {"show", take_show},
	    {"hide", take_hide},
	    {"gauge", take_gauge},
	    {"metric", take_metric},
	    {"event", take_event},
	    {"count", take_count},
	    {"ignore", take_ignore},
	};
	const char *first = line_next_word(l);
	if (!first)
		return l->count == 0 ? SOT_OK
		                     : line_complain(l, "a line begins with a word, not", l->words[0].key);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(first, kinds[i].word) != 0)
			continue;
		sot_code code = kinds[i].take(d, l);
		return code == SOT_OK ? line_all_used(l) : code;
	}
	return line_complain(l,
	    "a line begins with group, show, hide, gauge, metric, event, count or ignore, not",
	    sot_str_c(first));
}

sot_code definitions_parse(definitions *d, const char *file, sot_str text, sot_err *err)
{
	line *l = sot_alloc(sizeof(*l));
	sot_code code = SOT_OK;
	l->file = file;
	l->err = err;
	while (code == SOT_OK && text.n > 0) {
		sot_str one = sot_str_cut(text, '\n', &text);
		l->number++;
		code = line_split(l, one);
		if (code == SOT_OK)
			code = take_line(d, l);
	}
	free(l);
	return code;
}
