/* The INI form: [group], [group:vars], [group:children]; hosts before the first section are in no
 * group. */
#include "gw_inventory.h"

#include <string.h>

typedef enum section { HOSTS, VARS, CHILDREN } section;

/* The next word of a host line, without its quotes, as a shell reads it; '#' begins a comment.
 * False when there is none, or, told, when a quote is not closed. */
static bool next_word(inventory *v, sot_str *line, sot_buf *word)
{
	size_t i = 0;
	char quote = '\0';
	bool is_word = false;
	sot_buf_reset(word);
	while (i < line->n && (line->p[i] == ' ' || line->p[i] == '\t'))
		i++;
	for (; i < line->n; i++) {
		char c = line->p[i];
		if (quote == '\0' && (c == ' ' || c == '\t' || c == '#'))
			break;
		is_word = true;
		if (c == '\\' && quote != '\'' && i + 1 < line->n)
			sot_buf_add_char(word, line->p[++i]);
		else if (c == quote)
			quote = '\0';
		else if (quote == '\0' && (c == '"' || c == '\''))
			quote = c;
		else
			sot_buf_add_char(word, c);
	}
	if (quote != '\0') {
		machine_complain(v->r, "", "a quote is not closed on this line");
		return false;
	}
	bool is_end = i == line->n || line->p[i] == '#';
	*line = is_end ? (sot_str){NULL, 0} : (sot_str){line->p + i, line->n - i};
	return is_word;
}

static void read_host(inventory *v, sot_str line, size_t group)
{
	setting set[COLUMNS] = {0};
	SOT_AUTO_BUF word;
	sot_buf_init(&word, 64 * 1024);
	if (!next_word(v, &line, &word))
		return;
	sot_str pattern = sot_arena_dup(v->arena, sot_buf_str(&word)), value;
	while (next_word(v, &line, &word)) {
		sot_str name = sot_str_cut(sot_buf_str(&word), '=', &value);
		if (name.n == word.n)
			machine_complain(v->r, "",
			    "'%.*s' is no variable: write NAME=VALUE behind the host's name", SOT_ARG(name));
		else
			inventory_say(v, set, name, value);
	}
	inventory_add_hosts(v, pattern, group, set);
}

static sot_str unquoted(sot_str s)
{
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
		return (sot_str){s.p + 1, s.n - 2};
	return s;
}

static void read_variable(inventory *v, sot_str line, size_t group)
{
	sot_str value, name = machine_trimmed(sot_str_cut(line, '=', &value));
	if (memchr(line.p, '=', line.n) == NULL)
		machine_complain(
		    v->r, "", "'%.*s' is no variable: write NAME=VALUE in this section", SOT_ARG(name));
	else if (group != INVENTORY_NONE)
		inventory_say(v, v->groups[group].set, name, unquoted(machine_trimmed(value)));
}

/* "[name]" or "[name:kind]"; a section that is none is told, and belongs to no group. */
static section read_header(inventory *v, sot_str line, size_t *ret_group)
{
	sot_str kind, behind;
	sot_str inner = sot_str_cut((sot_str){line.p + 1, line.n - 1}, ']', &behind);
	bool is_closed = inner.n + 1 < line.n;
	sot_str name = machine_trimmed(sot_str_cut(inner, ':', &kind));
	behind = machine_trimmed(behind);
	*ret_group = INVENTORY_NONE;
	if (!is_closed || (behind.n > 0 && behind.p[0] != '#' && behind.p[0] != ';'))
		machine_complain(v->r, "", "a section is [GROUP], [GROUP:vars] or [GROUP:children]");
	else if (kind.n > 0 && !sot_str_eq_c(kind, "vars") && !sot_str_eq_c(kind, "children"))
		machine_complain(
		    v->r, "", "there is no kind of section '%.*s': vars or children", SOT_ARG(kind));
	else if (!sot_str_eq_c(name, "ungrouped"))
		*ret_group = inventory_group_named(v, name);
	return kind.n == 0 ? HOSTS : sot_str_eq_c(kind, "vars") ? VARS : CHILDREN;
}

void inventory_read_ini(inventory *v, sot_str text)
{
	section in = HOSTS;
	size_t group = INVENTORY_NONE;
	SOT_AUTO_BUF word;
	sot_buf_init(&word, 64 * 1024);
	for (v->r->line = 1; text.n > 0 && !v->is_full; v->r->line += text.n > 0 ? 1 : 0) {
		sot_str line = machine_trimmed(sot_str_cut(text, '\n', &text));
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[')
			in = read_header(v, line, &group);
		else if (in == HOSTS)
			read_host(v, line, group);
		else if (in == VARS)
			read_variable(v, line, group);
		else if (next_word(v, &line, &word))
			inventory_add_child(v, inventory_group_named(v, sot_buf_str(&word)), group);
	}
}
