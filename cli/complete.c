/* Completion: the candidates for the word at the cursor, from the table of commands and from the
 * API.
 *
 * The shells' scripts (completion.c) call `sotalia __complete WORDS...`; the last word is the one
 * at the cursor. A line is a candidate, a tab and what it is; ":files" asks the shell for files.
 */
#include "cli.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_S 3
#define WORD_MAX 64

typedef struct asked {
	const cli_command *command;
	const char *current;
	const char *args[CLI_ARGS_MAX]; /* those before it */
	size_t arg_count;
} asked;

static void offer(const char *current, const char *word, const char *what)
{
	if (strncmp(word, current, strlen(current)) == 0)
		printf("%s\t%s\n", word, what);
}

/* A list that can be read with the arguments there are; NULL: none. */
static const cli_command *list_of(const char *noun, size_t arg_count)
{
	const cli_command *c = cli_command_of(noun, "list");
	return c != NULL && c->verb != NULL && c->run == run_list && c->arg_max <= arg_count ? c : NULL;
}

/* The names there are now. What cannot be read offers nothing: a completion says no errors. */
static void offer_names(const asked *a, const cli_command *list, const char *prefix)
{
	cli_call call = {.command = list, .url = NULL};
	char *path = cli_path(list->path, a->args, list->arg_max);
	cli_request q = {.method = "GET", .path = path, .quiet = true};
	cli_reply reply = {0};
	const json_t *items;
	(void)cli_call_identity(&call);
	(void)alarm(PATIENCE_S); /* somebody waits at a prompt */
	if (cli_send(&call, &q, &reply) == CLI_OK) {
		items = cli_at(reply.json, "items");
		for (size_t i = 0; i < json_array_size(items); i++) {
			const char *name = cli_text_at(json_array_get(items, i), list->name_field);
			char word[256];
			(void)snprintf(word, sizeof(word), "%s%s", prefix, name);
			if (name[0] != '\0')
				offer(a->current, word, "");
		}
	}
	cli_reply_clear(&reply);
	free(path);
}

/* APP is a noun with a list; NAME, ID and CIDR are of the command's own noun. */
static void offer_values(const asked *a, const char *what, size_t n, const char *prefix)
{
	static const char *const own[] = {"name", "id", "cidr", "operation"};
	char noun[WORD_MAX] = "";
	const cli_command *list;
	if (n == 0 || n >= sizeof(noun))
		return;
	for (size_t i = 0; i < n; i++)
		noun[i] = (char)tolower((unsigned char)what[i]);
	if (strcmp(noun, "file") == 0 || strcmp(noun, "folder") == 0) {
		printf(":files\n");
		return;
	}
	list = list_of(noun, a->arg_count);
	for (size_t i = 0; list == NULL && i < sizeof(own) / sizeof(own[0]); i++)
		if (strcmp(noun, own[i]) == 0)
			list = list_of(
			    a->command->short_for != NULL ? a->command->short_for->noun : a->command->noun,
			    a->arg_count);
	if (list != NULL)
		offer_names(a, list, prefix);
}

/* The word of the usage line that stands for the argument at the cursor. */
static void offer_argument(const asked *a)
{
	const char *token = a->command->args;
	size_t n = 0;
	if (token == NULL || a->arg_count >= a->command->arg_max)
		return;
	for (size_t i = 0;; i++) {
		token += strspn(token, " [");
		n = strcspn(token, " ].|");
		if (i == a->arg_count || token[n + strspn(token + n, "].")] == '\0')
			break;
		token += strcspn(token, " ");
	}
	offer_values(a, token, n, "");
}

#define TABLES 4
/* All that the command takes. */
static void option_tables(const cli_command *c, const cli_option *ret[TABLES])
{
	ret[0] = c->options;
	ret[1] = c->changes ? cli_change_options : NULL;
	ret[2] = c->run == run_list ? cli_list_options : NULL;
	ret[3] = cli_common_options;
}

static const cli_option *option_named(const cli_command *c, const char *name, size_t n)
{
	const cli_option *tables[TABLES];
	option_tables(c, tables);
	for (size_t t = 0; t < TABLES; t++)
		for (const cli_option *o = tables[t]; o != NULL && o->name != NULL; o++)
			if (strlen(o->name) == n && strncmp(o->name, name, n) == 0)
				return o;
	return NULL;
}

/* The value of `--app=` is a name of an app, whatever the usage line calls it. */
static void offer_option_value(const asked *a, const cli_option *o, const char *prefix)
{
	static const char *const formats[] = {"table", "wide", "json", "yaml", "name", "csv"};
	char word[WORD_MAX];
	if (o->value == NULL)
		return;
	if (strcmp(o->name, "output") == 0) {
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
			(void)snprintf(word, sizeof(word), "%s%s", prefix, formats[i]);
			offer(a->current, word, "");
		}
	} else if (list_of(o->name, 0) != NULL) {
		offer_values(a, o->name, strlen(o->name), prefix);
	} else {
		offer_values(a, o->value, strcspn(o->value, ":|["), prefix);
	}
}

static void offer_options(const asked *a)
{
	const cli_option *tables[TABLES];
	char word[WORD_MAX];
	option_tables(a->command, tables);
	for (size_t t = 0; t < TABLES; t++) {
		for (const cli_option *o = tables[t]; o != NULL && o->name != NULL; o++) {
			(void)snprintf(word, sizeof(word), "--%s%s", o->name, o->value != NULL ? "=" : "");
			offer(a->current, word, o->help);
		}
	}
}

static void offer_nouns(const char *current)
{
	for (size_t i = 0; i < cli_command_count(); i++) {
		const cli_command *c = cli_command_at(i);
		bool is_first = true;
		for (size_t k = 0; k < i && is_first; k++)
			is_first = strcmp(cli_command_at(k)->noun, c->noun) != 0;
		if (is_first)
			offer(current, c->noun, c->verb == NULL ? c->summary : "");
	}
}

static void offer_verbs(const char *noun, const char *current)
{
	for (size_t i = 0; i < cli_command_count(); i++) {
		const cli_command *c = cli_command_at(i);
		if (strcmp(c->noun, noun) == 0 && c->verb != NULL)
			offer(current, c->verb, c->summary);
	}
}

/* Sorts the words before the cursor into arguments and options; the option that waits for its value
 * is returned. */
static const cli_option *take_words(asked *a, size_t count, char *const *words)
{
	for (size_t i = 0; i < count; i++) {
		const char *word = words[i];
		const cli_option *o = NULL;
		if (strncmp(word, "--", 2) == 0 && strchr(word, '=') == NULL)
			o = option_named(a->command, word + 2, strlen(word + 2));
		else if (strcmp(word, "-o") == 0)
			o = option_named(a->command, "output", 6);
		else if (word[0] != '-' && a->arg_count < CLI_ARGS_MAX)
			a->args[a->arg_count++] = word;
		if (o == NULL || o->value == NULL)
			continue;
		if (i + 1 == count)
			return o;
		i++;
	}
	return NULL;
}

void cli_complete(size_t count, char *const *words)
{
	asked a = {.current = count > 0 ? words[count - 1] : ""};
	const cli_option *waits;
	const char *equals = strchr(a.current, '=');
	size_t first;
	if (count < 2) {
		offer_nouns(a.current);
		return;
	}
	a.command = cli_command_of(words[0], count > 2 ? words[1] : NULL);
	if (a.command == NULL) {
		if (count == 2)
			offer_verbs(words[0], a.current);
		return;
	}
	first = a.command->verb != NULL ? 2 : 1;
	waits = take_words(&a, count - 1 - first, words + first);
	if (waits != NULL) {
		offer_option_value(&a, waits, "");
	} else if (strncmp(a.current, "--", 2) == 0 && equals != NULL) {
		char prefix[WORD_MAX];
		waits = option_named(a.command, a.current + 2, (size_t)(equals - a.current) - 2);
		(void)snprintf(prefix, sizeof(prefix), "%.*s", (int)(equals - a.current) + 1, a.current);
		if (waits != NULL)
			offer_option_value(&a, waits, prefix);
	} else if (a.current[0] == '-') {
		offer_options(&a);
	} else {
		offer_argument(&a);
	}
}
