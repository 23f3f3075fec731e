/* The YAML form: groups with hosts, vars and children. By libyaml's events, whose lines are told.
 */
#include "gw_inventory.h"

#include <string.h>
#include <yaml.h>

enum { DEPTH_MAX = 40 };

typedef struct walk {
	inventory *v;
	yaml_parser_t parser;
	yaml_event_t event; /* the one that is looked at */
	unsigned line_count;
	bool has_event, is_over;
} walk;

/* Its line, from 1. YAML counts one more at the end, and other breaks than LF. */
static void stand_at(walk *w, yaml_mark_t mark)
{
	w->v->r->line = mark.line < w->line_count ? (unsigned)mark.line + 1 : w->line_count;
}

static void drop(walk *w)
{
	if (w->has_event)
		yaml_event_delete(&w->event);
	w->has_event = false;
}

static void stop(walk *w, const char *why)
{
	machine_complain(w->v->r, "", "%s", why);
	w->is_over = true;
}

/* The next event; false when there is none, or what is wrong was told. */
static bool next(walk *w)
{
	drop(w);
	if (w->is_over)
		return false;
	if (yaml_parser_parse(&w->parser, &w->event) == 0) {
		stand_at(w, w->parser.problem_mark);
		w->is_over = true;
		machine_complain(w->v->r, "", "no YAML: %s",
		    w->parser.problem != NULL ? w->parser.problem : "it cannot be read");
		return false;
	}
	w->has_event = true;
	stand_at(w, w->event.start_mark);
	if (w->event.type == YAML_ALIAS_EVENT)
		stop(w, "names for repeated parts (&x, *x) are not read: write the part out");
	else if (w->event.type == YAML_STREAM_END_EVENT || w->event.type == YAML_DOCUMENT_END_EVENT)
		w->is_over = true;
	return !w->is_over;
}

static sot_str scalar(const walk *w)
{
	return (sot_str){(const char *)w->event.data.scalar.value, w->event.data.scalar.length};
}

/* "key:" with nothing behind it. */
static bool is_nothing(const walk *w)
{
	return w->event.type == YAML_SCALAR_EVENT &&
	       w->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (scalar(w).n == 0 || sot_str_eq_c(scalar(w), "~") || sot_str_eq_c(scalar(w), "null"));
}

static bool begins(const yaml_event_t *e)
{
	return e->type == YAML_MAPPING_START_EVENT || e->type == YAML_SEQUENCE_START_EVENT;
}

/* Behind the value that the event at hand begins. */
static void skip(walk *w)
{
	size_t open = begins(&w->event) ? 1 : 0;
	while (open > 0 && next(w)) {
		if (begins(&w->event) && ++open > DEPTH_MAX)
			stop(w, "parts are within each other too deeply");
		else if (w->event.type == YAML_MAPPING_END_EVENT ||
		         w->event.type == YAML_SEQUENCE_END_EVENT)
			open--;
	}
}

/* The next key of the mapping at hand, copied, with its value as the event; false at the end. */
static bool next_key(walk *w, sot_str *ret)
{
	if (!next(w) || w->event.type == YAML_MAPPING_END_EVENT)
		return false;
	if (w->event.type != YAML_SCALAR_EVENT) {
		stop(w, "a key must be a word");
		return false;
	}
	unsigned line = w->v->r->line;
	*ret = sot_arena_dup(w->v->arena, scalar(w));
	if (!next(w))
		return false;
	w->v->r->line = line;
	return true;
}

/* A mapping, or nothing; anything else is told. True: its keys are to be read. */
static bool enter(walk *w, const char *what)
{
	if (w->event.type == YAML_MAPPING_START_EVENT)
		return true;
	if (!is_nothing(w)) {
		stand_at(w, w->event.start_mark);
		machine_complain(w->v->r, "", "%s", what);
		skip(w);
	}
	return false;
}

/* [ssd, gpu] as "ssd;gpu"; what is within it and no word is left out. */
static void read_list(walk *w, setting set[static COLUMNS], sot_str name)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 64 * 1024);
	while (next(w) && w->event.type != YAML_SEQUENCE_END_EVENT) {
		if (w->event.type != YAML_SCALAR_EVENT) {
			skip(w);
			continue;
		}
		sot_buf_add_c(&text, text.n > 0 ? ";" : "");
		sot_buf_add_str(&text, scalar(w));
	}
	inventory_say(w->v, set, name, sot_buf_str(&text));
}

static void read_vars(walk *w, setting set[static COLUMNS])
{
	sot_str name;
	while (next_key(w, &name)) {
		if (w->event.type == YAML_SCALAR_EVENT)
			inventory_say(w->v, set, name, scalar(w));
		else if (w->event.type == YAML_SEQUENCE_START_EVENT)
			read_list(w, set, name);
		else
			skip(w);
	}
}

static void read_hosts(walk *w, size_t group)
{
	sot_str pattern;
	while (next_key(w, &pattern)) {
		setting set[COLUMNS] = {0};
		unsigned line = w->v->r->line;
		if (enter(w, "the variables of a host are NAME: VALUE, each on a line of its own"))
			read_vars(w, set);
		w->v->r->line = line;
		inventory_add_hosts(w->v, pattern, group, set);
	}
}

static void read_groups(walk *w, size_t parent, unsigned depth);

static void read_group(walk *w, size_t group, unsigned depth)
{
	sot_str part;
	setting set[COLUMNS] = {0};
	while (next_key(w, &part)) {
		if (sot_str_eq_c(part, "hosts")) {
			if (enter(w, "hosts are written 'NAME:', each on a line of its own, without '-'"))
				read_hosts(w, group);
		} else if (sot_str_eq_c(part, "vars")) {
			if (enter(w, "variables of a group are NAME: VALUE, each on a line of its own"))
				read_vars(w, group != INVENTORY_NONE ? w->v->groups[group].set : set);
		} else if (sot_str_eq_c(part, "children")) {
			if (enter(w, "children are groups, 'NAME:', each on a line of its own, without '-'"))
				read_groups(w, group, depth + 1);
		} else {
			machine_complain(w->v->r, "", "'%.*s' is no part of a group: hosts, vars or children",
			    SOT_ARG(part));
			skip(w);
		}
	}
}

static void read_groups(walk *w, size_t parent, unsigned depth)
{
	sot_str name;
	if (depth > DEPTH_MAX) {
		stop(w, "groups are within each other too deeply");
		return;
	}
	while (next_key(w, &name)) {
		bool is_none = sot_str_eq_c(name, "ungrouped");
		size_t group = is_none ? INVENTORY_NONE : inventory_group_named(w->v, name);
		inventory_add_child(w->v, group, parent);
		if (enter(w, "a group has hosts, vars and children"))
			read_group(w, group, depth);
	}
}

void inventory_read_yaml(inventory *v, sot_str text)
{
	walk w = {.v = v, .line_count = 1};
	for (size_t i = 0; i < text.n; i++)
		w.line_count += text.p[i] == '\n' ? 1 : 0;
	if (yaml_parser_initialize(&w.parser) == 0) {
		machine_complain(v->r, "", "there is no memory to read it");
		return;
	}
	yaml_parser_set_input_string(&w.parser, (const unsigned char *)text.p, text.n);
	while (next(&w) &&
	       (w.event.type == YAML_STREAM_START_EVENT || w.event.type == YAML_DOCUMENT_START_EVENT))
		continue;
	if (!w.is_over &&
	    enter(&w, "an inventory begins with a group, such as 'all:', and its hosts below it"))
		read_groups(&w, INVENTORY_NONE, 0);
	drop(&w);
	yaml_parser_delete(&w.parser);
}
