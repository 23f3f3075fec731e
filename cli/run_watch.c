/* --watch: a list, then what changes in it, until Ctrl-C. */
#include "cli.h"

#include "sot_parse.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define EVERY_DEFAULT_S 2
#define TEXT_MAX (64u * 1024 * 1024)

typedef struct watch {
	const cli_call *call;
	json_t *known; /* name -> item, as printed last; NULL before the first look */
} watch;

static bool is_news(const watch *w, const json_t *item)
{
	const json_t *old = json_object_get(w->known, cli_text_at(item, w->call->command->name_field));
	return old == NULL || json_equal((json_t *)(uintptr_t)old, (json_t *)(uintptr_t)item) == 0;
}

static void print_one(const watch *w, const json_t *item, sot_str line)
{
	const cli_call *call = w->call;
	if (call->output == CLI_YAML)
		printf("---\n");
	if (cli_is_data(call))
		cli_print_data(call, item);
	else if (call->output == CLI_NAME)
		printf("%s\n", cli_text_at(item, call->command->name_field));
	else
		printf("%.*s\n", SOT_ARG(line));
}

/* The table is laid out for all items, so that what is printed later stands below what was. */
static void print_news(const watch *w, const json_t *items)
{
	SOT_AUTO_BUF text;
	sot_str rest, line;
	sot_buf_init(&text, TEXT_MAX);
	cli_table(
	    w->call->command->columns, items, w->call->output == CLI_WIDE, (int64_t)time(NULL), &text);
	rest = sot_buf_str(&text);
	line = sot_str_cut(rest, '\n', &rest);
	if (w->known == NULL && (w->call->output == CLI_TABLE || w->call->output == CLI_WIDE))
		printf("%.*s\n", SOT_ARG(line));
	for (size_t i = 0; i < json_array_size(items); i++) {
		line = sot_str_cut(rest, '\n', &rest);
		if (is_news(w, json_array_get(items, i)))
			print_one(w, json_array_get(items, i), line);
	}
	(void)fflush(stdout);
}

static void remember(watch *w, const json_t *items)
{
	json_t *known = json_object(), *item;
	const char *name;
	for (size_t i = 0; i < json_array_size(items); i++)
		(void)json_object_set(known,
		    cli_text_at(json_array_get(items, i), w->call->command->name_field),
		    json_array_get(items, i));
	json_object_foreach(w->known, name, item)
	{
		if (json_object_get(known, name) == NULL)
			cli_say("gone: %s", name);
	}
	json_decref(w->known);
	w->known = known;
}

static bool read_seconds(const cli_call *call, uint64_t *ret)
{
	const char *text = cli_option_of(call, "watch", 0);
	*ret = EVERY_DEFAULT_S;
	if (call->output == CLI_CSV) {
		cli_say("error: --watch has no -o csv; see -o json");
		return false;
	}
	if (text[0] == '\0' || sot_parse_u64(sot_str_c(text), 1, 3600, ret, NULL) == SOT_OK)
		return true;
	cli_say("error: --watch=%s is not a number of seconds from 1 to 3600", text);
	return false;
}

/* A gateway that is away for a while is waited for: what changed meanwhile is shown then. */
cli_exit cli_watch(const cli_call *call, const char *path)
{
	watch w = {.call = call};
	uint64_t every_s;
	cli_exit result = CLI_OK;
	if (!read_seconds(call, &every_s))
		return CLI_USAGE;
	while (!cli_interrupted()) {
		json_t *list = NULL;
		result = cli_fetch_all(call, path, &list);
		if (result == CLI_OK) {
			print_news(&w, json_object_get(list, "items"));
			remember(&w, json_object_get(list, "items"));
		}
		json_decref(list);
		if (result != CLI_OK && (result != CLI_UNREACHABLE || w.known == NULL))
			break;
		(void)poll(NULL, 0, (int)every_s * 1000);
	}
	json_decref(w.known);
	return cli_interrupted() ? CLI_DETACHED : result;
}
