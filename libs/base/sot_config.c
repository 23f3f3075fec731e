/* Configuration: default, file, environment, command line, in this order, one table. */
#include "sot_config_internal.h"

#include "sot_failpoint.h"
#include "sot_file.h"
#include "sot_mem.h"
#include "sot_parse.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (256u * 1024u)
#define KEYS_MAX 128u

extern char **environ;

typedef struct loader {
	const sot_config_table *table;
	void *config;
	bool given[KEYS_MAX];       /* by any source but the default */
	unsigned line_of[KEYS_MAX]; /* in the file; 0 when not there */
} loader;

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static sot_str trim(sot_str s)
{
	while (s.n && is_blank(s.p[0]))
		s = (sot_str){s.p + 1, s.n - 1};
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* Index of the key, or key_count. */
static size_t find_key(const sot_config_table *table, sot_str name)
{
	size_t i = 0;
	while (i < table->key_count && !sot_str_eq_c(name, table->keys[i].name))
		i++;
	return i;
}

static sot_code store_text(const sot_config_key *key, sot_str text, char *member, sot_err *err)
{
	assert(key->min >= 0 && key->max < SOT_CONFIG_VALUE_MAX);
	if (text.n < (size_t)key->min || text.n > (size_t)key->max)
		return sot_fail(err, SOT_INVALID, "%zu bytes; %lld to %lld are allowed", text.n,
		    (long long)key->min, (long long)key->max);
	if (!sot_str_is_utf8(text))
		return sot_fail(err, SOT_INVALID, "not valid UTF-8");
	return sot_str_copy(text, member, SOT_CONFIG_VALUE_MAX, err);
}

static sot_code store_value(const loader *l, size_t index, sot_str text, sot_err *err)
{
	const sot_config_key *key = &l->table->keys[index];
	char *member = (char *)l->config + key->offset;
	sot_code code = SOT_INTERNAL;
	switch (key->type) {
	case SOT_CONFIG_STRING:
	case SOT_CONFIG_SECRET:
		code = store_text(key, text, member, err);
		break;
	case SOT_CONFIG_INT:
		code = sot_parse_i64(text, key->min, key->max, (int64_t *)(void *)member, err);
		break;
	case SOT_CONFIG_BOOL:
		code = sot_parse_bool(text, (bool *)member, err);
		break;
	}
	return code == SOT_OK ? code : sot_wrap(err, "%s", key->name);
}

static sot_code load_defaults(const loader *l, sot_err *err)
{
	for (size_t i = 0; i < l->table->key_count; i++) {
		const char *text = l->table->keys[i].default_text;
		if (text && store_value(l, i, sot_str_c(text), err) != SOT_OK)
			return sot_wrap(err, "built-in default"), SOT_INTERNAL;
	}
	return SOT_OK;
}

static sot_code load_line(loader *l, sot_str line, unsigned number, sot_err *err)
{
	sot_str text;
	line = trim(line);
	if (line.n == 0 || line.p[0] == '#')
		return SOT_OK;
	sot_str name = sot_str_cut(line, '=', &text);
	if (name.n == line.n)
		return sot_fail(err, SOT_INVALID, "\"%.*s\" is not `key = value`", SOT_ARG(line));
	name = trim(name);
	size_t index = find_key(l->table, name);
	if (index == l->table->key_count)
		return sot_fail(err, SOT_INVALID, "unknown key \"%.*s\"; --help lists the keys of %s",
		    SOT_ARG(name), l->table->service);
	if (l->line_of[index])
		return sot_fail(err, SOT_INVALID, "key \"%.*s\" was given before, in line %u",
		    SOT_ARG(name), l->line_of[index]);
	l->line_of[index] = number;
	l->given[index] = true;
	return store_value(l, index, trim(text), err);
}

static sot_code load_file(loader *l, const char *path, sot_err *err)
{
	SOT_AUTO_BUF content;
	sot_buf_init(&content, FILE_MAX);
	sot_code code = sot_file_read(path, &content, err);
	if (code != SOT_OK)
		return sot_wrap(err, "configuration file");
	sot_str rest = sot_buf_str(&content);
	for (unsigned number = 1; rest.n; number++) {
		sot_str line = sot_str_cut(rest, '\n', &rest);
		code = load_line(l, line, number, err);
		if (code != SOT_OK)
			return sot_wrap(err, "%s:%u", path, number);
	}
	return SOT_OK;
}

/* SOT_IPAM_REQUESTS_ENDPOINT: the rest of the name, in lower case, is the key. */
static sot_code load_variable(loader *l, const char *variable, size_t prefix_n, sot_err *err)
{
	sot_str text;
	sot_str whole = sot_str_cut(sot_str_c(variable), '=', &text);
	char key[64];
	size_t n = 0;
	for (size_t i = prefix_n; i < whole.n && n + 1 < sizeof(key); i++) {
		char c = whole.p[i];
		key[n++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
	}
	size_t index = find_key(l->table, (sot_str){key, n});
	if (index == l->table->key_count || whole.n - prefix_n != n)
		return sot_fail(err, SOT_INVALID,
		    "environment: %.*s names no key of %s; --help lists them, unset it", SOT_ARG(whole),
		    l->table->service);
	l->given[index] = true;
	if (store_value(l, index, text, err) != SOT_OK)
		return sot_wrap(err, "environment: %.*s", SOT_ARG(whole));
	return SOT_OK;
}

static sot_code load_environment(loader *l, sot_err *err)
{
	char prefix[128];
	size_t prefix_n = strlen(sot_config_environment_prefix(l->table->service, prefix));
	for (char **e = environ; e && *e; e++) {
		if (strncmp(*e, prefix, prefix_n) != 0)
			continue;
		sot_code code = load_variable(l, *e, prefix_n, err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

static bool is_option(const char *argument, const char *option)
{
	return strcmp(argument, option) == 0;
}

static sot_code load_argument(loader *l, const char *argument, sot_err *err)
{
	sot_str text, name = sot_str_cut(sot_str_c(argument), '=', &text);
	size_t index = l->table->key_count;
	bool has_value = sot_str_starts(name, "--") && argument[name.n] == '=';
	if (has_value)
		index = find_key(l->table, (sot_str){name.p + 2, name.n - 2});
	if (index == l->table->key_count)
		return sot_fail(err, SOT_INVALID,
		    "command line: \"%s\" is not --key=value with a key of "
		    "%s; --help lists them",
		    argument, l->table->service);
	l->given[index] = true;
	if (store_value(l, index, text, err) != SOT_OK)
		return sot_wrap(err, "command line");
	return SOT_OK;
}

static sot_code load_arguments(loader *l, int argc, char **argv, bool *ret_check, sot_err *err)
{
	for (int i = 1; i < argc; i++) {
		if (strncmp(argv[i], "--config=", 9) == 0)
			continue;
		if (is_option(argv[i], "--check-config")) {
			*ret_check = true;
			continue;
		}
		sot_code code = load_argument(l, argv[i], err);
		if (code != SOT_OK)
			return code;
	}
	return SOT_OK;
}

static void print_failpoint(void *self, const sot_failpoint *fp)
{
	(void)self;
	puts(fp->name);
}

/* Options that only print: true when one was there. */
static bool answer_questions(const sot_config_table *table, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (is_option(argv[i], "--help"))
			sot_config_print_help(table);
		else if (is_option(argv[i], "--version"))
			printf("sotalia-%s %s\n", table->service, SOT_VERSION);
		else if (is_option(argv[i], "--list-failpoints"))
			sot_failpoint_each(print_failpoint, NULL);
		else
			continue;
		return true;
	}
	return false;
}

static sot_code check_all_given(const loader *l, sot_err *err)
{
	for (size_t i = 0; i < l->table->key_count; i++)
		if (!l->table->keys[i].default_text && !l->given[i])
			return sot_fail(err, SOT_INVALID,
			    "key \"%s\" must be given (%s): in the file, or as --%s=VALUE",
			    l->table->keys[i].name, l->table->keys[i].doc, l->table->keys[i].name);
	return SOT_OK;
}

static sot_code load_sources(loader *l, int argc, char **argv, bool *ret_check, sot_err *err)
{
	sot_code code = load_defaults(l, err);
	for (int i = 1; code == SOT_OK && i < argc; i++)
		if (strncmp(argv[i], "--config=", 9) == 0)
			code = load_file(l, argv[i] + 9, err);
	if (code == SOT_OK)
		code = load_environment(l, err);
	if (code == SOT_OK)
		code = load_arguments(l, argc, argv, ret_check, err);
	return code == SOT_OK ? check_all_given(l, err) : code;
}

sot_code sot_config_load(const char *service, const sot_config_key *keys, size_t key_count,
    int argc, char **argv, void *config, bool *ret_exit, sot_err *err)
{
	assert(key_count <= KEYS_MAX);
	sot_config_table table = {service, keys, key_count};
	if (answer_questions(&table, argc, argv)) {
		*ret_exit = true;
		return SOT_OK;
	}
	loader l = {.table = &table, .config = config};
	bool check = false;
	sot_code code = load_sources(&l, argc, argv, &check, err);
	if (code != SOT_OK)
		return code;
	if (check) {
		SOT_AUTO_BUF text;
		sot_buf_init(&text, FILE_MAX);
		sot_config_dump(keys, key_count, config, &text);
		fputs(text.p ? text.p : "", stdout);
	}
	*ret_exit = check;
	return SOT_OK;
}
