/* What instances write: one of them, or all of an app, told apart and in the order of their times.
 */
#include "cli.h"

#include "sot_parse.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOOK_MS 1000
#define LOOKS_A_LIST 5 /* instances that come and go are noticed after so many looks */
#define TIME_MAX 40

typedef struct source {
	char name[128], after[TIME_MAX]; /* the time of its last line, "" when none was seen */
	bool is_there;
} source;

typedef struct line {
	const source *from;
	char at[TIME_MAX];
	uint64_t at_ns;
	size_t order; /* of lines of the same time */
	char *text;
} line;

typedef struct logs {
	const cli_call *call;
	source *sources;
	size_t source_count;
	line *lines; /* of this look */
	size_t line_count, line_cap;
	int name_width;
	bool has_colours;
} logs;

/* ---- which instances ---- */
static source *source_of(logs *l, const char *name)
{
	for (size_t i = 0; i < l->source_count; i++)
		if (strcmp(l->sources[i].name, name) == 0)
			return &l->sources[i];
	l->sources =
	    sot_grow_array(l->sources, l->source_count, l->source_count + 1, sizeof(*l->sources));
	(void)snprintf(l->sources[l->source_count].name, sizeof(l->sources[0].name), "%s", name);
	return &l->sources[l->source_count++];
}

/* Those that ended keep what was read of them; they are asked no more. */
static cli_exit find_sources(logs *l)
{
	char *app = cli_escape(l->call->args[0]), path[400];
	json_t *all = NULL;
	cli_exit result;
	(void)snprintf(path, sizeof(path), "/v1/instances?app=%s", app);
	free(app);
	result = cli_fetch_all(l->call, path, &all);
	for (size_t i = 0; i < l->source_count; i++)
		l->sources[i].is_there = false;
	for (size_t i = 0; i < json_array_size(cli_at(all, "items")); i++) {
		const char *name = cli_text_at(json_array_get(cli_at(all, "items"), i), "name");
		source_of(l, name)->is_there = true;
		if ((int)strlen(name) > l->name_width)
			l->name_width = (int)strlen(name);
	}
	json_decref(all);
	return result;
}

/* ---- what they wrote ---- */
static void add_line(logs *l, source *s, sot_str text)
{
	sot_str rest, at = sot_str_cut(text, ' ', &rest);
	line *new;
	if (l->line_count == l->line_cap) {
		size_t cap = l->line_cap > 0 ? 2 * l->line_cap : 256;
		l->lines = sot_grow_array(l->lines, l->line_cap, cap, sizeof(*l->lines));
		l->line_cap = cap;
	}
	new = &l->lines[l->line_count];
	*new = (line){.from = s, .order = l->line_count};
	if (sot_str_copy(at, new->at, sizeof(new->at), NULL) != SOT_OK ||
	    sot_parse_time_ns(at, &new->at_ns, NULL) != SOT_OK)
		return; /* no line of an agent that was asked for times */
	new->text = sot_strndup(rest);
	l->line_count++;
	(void)snprintf(s->after, sizeof(s->after), "%s", new->at);
}

/* An instance that is not placed yet, or whose host is away, is passed over: the others go on. */
static cli_exit read_source(logs *l, source *s)
{
	char *name = cli_escape(s->name), path[400];
	const char *tail = cli_option_of(l->call, "tail", 0);
	cli_request q = {.method = "GET", .path = path, .quiet = true, .keeps_connection = true};
	cli_reply reply;
	cli_exit result;
	if (s->after[0] != '\0')
		(void)snprintf(
		    path, sizeof(path), "/v1/instances/%s/logs?timestamps=true&after=%s", name, s->after);
	else
		(void)snprintf(path, sizeof(path), "/v1/instances/%s/logs?timestamps=true&tail=%s", name,
		    tail != NULL ? tail : "20");
	free(name);
	result = cli_send(l->call, &q, &reply);
	sot_str rest = sot_buf_str(&reply.body);
	while (result == CLI_OK && rest.n > 0) {
		sot_str one = sot_str_cut(rest, '\n', &rest);
		if (one.n > 0)
			add_line(l, s, one);
	}
	if (result == CLI_DENIED || reply.status == 400)
		result = cli_explain(l->call, &reply);
	else
		result = CLI_OK;
	cli_reply_clear(&reply);
	return result;
}

static int by_time(const void *a, const void *b)
{
	const line *x = a, *y = b;
	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* ---- for people and programs ---- */
static void print_json(const logs *l, const line *one)
{
	json_t *object = json_pack("{s:s, s:s}", "instance", one->from->name, "at", one->at);
	json_t *text = json_string(one->text);
	/* What a program writes need not be UTF-8. */
	(void)json_object_set_new(object, "text", text != NULL ? text : json_string("(no UTF-8)"));
	if (l->call->output == CLI_YAML)
		printf("---\n");
	if (l->call->output == CLI_YAML) {
		cli_print_data(l->call, object);
	} else {
		(void)json_dumpf(object, stdout, JSON_COMPACT);
		(void)fputc('\n', stdout);
	}
	json_decref(object);
}

static void print_line(const logs *l, const line *one)
{
	size_t place = (size_t)(one->from - l->sources);
	bool has_times = cli_option_of(l->call, "timestamps", 0) != NULL;
	if (cli_is_data(l->call)) {
		print_json(l, one);
		return;
	}
	if (l->has_colours)
		printf("\033[%dm%-*s\033[0m ", 31 + (int)(place % 6), l->name_width, one->from->name);
	else
		printf("%-*s ", l->name_width, one->from->name);
	printf("%s%s%s\n", has_times ? one->at : "", has_times ? " " : "", one->text);
}

static cli_exit look(logs *l)
{
	cli_exit result = CLI_OK;
	l->line_count = 0;
	for (size_t i = 0; i < l->source_count && result == CLI_OK && !cli_interrupted(); i++)
		if (l->sources[i].is_there)
			result = read_source(l, &l->sources[i]);
	qsort(l->lines, l->line_count, sizeof(*l->lines), by_time);
	for (size_t i = 0; i < l->line_count; i++) {
		print_line(l, &l->lines[i]);
		free(l->lines[i].text);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		cli_say("error: what came cannot be written: %s", strerror(errno));
		result = CLI_FAILED;
	}
	return result;
}

cli_exit run_app_logs(const cli_call *call)
{
	logs l = {.call = call};
	bool follows = cli_option_of(call, "follow", 0) != NULL;
	cli_exit result = CLI_OK;
	l.has_colours = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL;
	for (unsigned looks = 0; result == CLI_OK && !cli_interrupted(); looks++) {
		if (looks % LOOKS_A_LIST == 0)
			result = find_sources(&l);
		if (result == CLI_OK && looks == 0 && l.source_count == 0 && !follows)
			cli_say("the app '%s' has no instances", call->args[0]);
		if (result == CLI_OK)
			result = look(&l);
		if (!follows)
			break;
		(void)poll(NULL, 0, LOOK_MS);
	}
	free(l.sources);
	free(l.lines);
	return follows && cli_interrupted() ? CLI_DETACHED : result;
}
