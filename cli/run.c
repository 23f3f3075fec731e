/* Commands that read, and the ones that only post: most of the table is served from here. */
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const filters[] = {"days", "app", "host", "state", "vlan", "limit", "tail",
    "after", "vrf", "group", "family", "level", "subnet", "kind", "address", "instance", "owner",
    "at", "reason", "actor", "parent", "since", "until", "outdated", "user", "team", "action",
    "target", "operation", "result", "credential", "timestamps"};

/* Lists that grow for ever have an option --limit: of these one page is shown. */
static bool is_history(const cli_command *c)
{
	for (const cli_option *o = c->options; o != NULL && o->name != NULL; o++)
		if (strcmp(o->name, "limit") == 0)
			return true;
	return false;
}

char *cli_query_path(const cli_call *call)
{
	char *path = cli_path(call->command->path, call->args, call->arg_count), *copy;
	sot_buf out;
	char mark = strchr(call->command->path, '?') != NULL ? '&' : '?';
	sot_buf_init(&out, 65536);
	sot_buf_add_c(&out, path);
	free(path);
	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		const char *value = cli_option_of(call, filters[i], 0);
		char *escaped;
		if (value == NULL)
			continue;
		escaped = cli_escape(value);
		sot_buf_printf(&out, "%c%s=%s", mark, filters[i], escaped);
		free(escaped);
		mark = '&';
	}
	if (is_history(call->command) && cli_option_of(call, "limit", 0) == NULL)
		sot_buf_printf(&out, "%climit=50", mark);
	copy = sot_strndup(sot_buf_str(&out));
	sot_buf_clear(&out);
	return copy;
}

/* ---- lists ---- */
static cli_exit fetch_page(const cli_call *call, const char *path, const char *after, json_t **ret)
{
	cli_request q = {.method = "GET"};
	cli_reply reply;
	cli_exit result;
	sot_buf full;
	sot_buf_init(&full, 65536);
	sot_buf_add_c(&full, path);
	if (after[0] != '\0')
		sot_buf_printf(&full, "%cafter=%s", strchr(path, '?') != NULL ? '&' : '?', after);
	q.path = full.p;
	result = cli_send(call, &q, &reply);
	*ret = result == CLI_OK ? json_incref(reply.json) : NULL;
	cli_reply_clear(&reply);
	sot_buf_clear(&full);
	return result;
}

cli_exit cli_fetch_all(const cli_call *call, const char *path, json_t **ret)
{
	bool one = is_history(call->command);
	json_t *all = NULL;
	cli_exit result = fetch_page(call, path, "", &all);
	while (result == CLI_OK && !one && json_is_string(json_object_get(all, "next"))) {
		json_t *page = NULL;
		result = fetch_page(call, path, cli_text_at(all, "next"), &page);
		if (result == CLI_OK) {
			(void)json_array_extend(json_object_get(all, "items"), json_object_get(page, "items"));
			(void)json_object_set(all, "next", json_object_get(page, "next"));
		}
		json_decref(page);
	}
	*ret = all;
	return result;
}

void cli_print_items(const cli_call *call, const cli_column *columns, const char *name_field,
    const json_t *items, const json_t *whole)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 64u * 1024 * 1024);
	if (cli_is_data(call)) {
		cli_print_data(call, whole);
		return;
	}
	for (size_t i = 0; call->output == CLI_NAME && i < json_array_size(items); i++)
		sot_buf_printf(&text, "%s\n", cli_text_at(json_array_get(items, i), name_field));
	if (call->output == CLI_CSV)
		cli_csv(columns, items, &text);
	else if (call->output != CLI_NAME)
		cli_table(columns, items, call->output == CLI_WIDE, (int64_t)time(NULL), &text);
	cli_print(&text);
}

static void print_list(const cli_call *call, const json_t *list)
{
	cli_print_items(call, call->command->columns, call->command->name_field,
	    json_object_get(list, "items"), list);
}

cli_exit run_list(const cli_call *call)
{
	char *path = cli_query_path(call);
	bool watches = cli_option_of(call, "watch", 0) != NULL;
	json_t *list = NULL;
	cli_exit result = watches ? cli_watch(call, path) : cli_fetch_all(call, path, &list);
	if (result == CLI_OK)
		print_list(call, list);
	json_decref(list);
	free(path);
	return result;
}

/* ---- one object ---- */
static void print_object(const json_t *object, const char *prefix)
{
	void *it = json_object_iter((json_t *)(uintptr_t)object);
	for (; it != NULL; it = json_object_iter_next((json_t *)(uintptr_t)object, it)) {
		const json_t *v = json_object_iter_value(it);
		char name[96];
		char *text;
		(void)snprintf(name, sizeof(name), "%s%s", prefix, json_object_iter_key(it));
		if (json_is_object(v) && json_object_size(v) > 0 && prefix[0] == '\0') {
			(void)snprintf(name, sizeof(name), "%s.", json_object_iter_key(it));
			print_object(v, name);
			continue;
		}
		if (strcmp(name, "steps") == 0)
			continue;
		text = json_is_string(v) ? NULL : json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT);
		printf("%-24s %s\n", name, text != NULL ? text : json_string_value(v));
		free(text);
	}
}

void cli_print_object(const json_t *object)
{
	print_object(object, "");
}

cli_exit cli_show(const cli_call *call, json_t **ret)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	*ret = NULL;
	if (result == CLI_OK) {
		*ret = json_incref(reply.json);
		if (cli_is_data(call))
			cli_print_data(call, reply.json);
		else if (call->output == CLI_NAME)
			printf("%s\n", cli_text_at(reply.json, call->command->name_field));
		else
			print_object(reply.json, "");
	}
	cli_reply_clear(&reply);
	free(path);
	return result;
}

cli_exit run_show(const cli_call *call)
{
	json_t *object = NULL;
	cli_exit result = cli_show(call, &object);
	json_decref(object);
	return result;
}

/* The findings of its preflight come from its agent, which may be away. */
static void print_findings(const cli_call *call)
{
	static const cli_column columns[] = {{.title = "FINDING", .path = "id"},
	    {.title = "SEVERITY", .path = "severity"}, {.title = "WHAT", .path = "what"},
	    {.title = "MEND", .path = "mend"}, {.title = NULL}};
	char *path = cli_path("/v1/hosts/%s/usage", call->args, 1);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 1024 * 1024);
	if (cli_send(call, &q, &reply) == CLI_OK) {
		const json_t *findings = json_object_get(reply.json, "findings");
		if (json_array_size(findings) == 0)
			sot_buf_add_c(&text, "preflight finds nothing\n");
		else
			cli_table(columns, findings, false, 0, &text);
	}
	printf("\n");
	cli_print(&text);
	cli_reply_clear(&reply);
	free(path);
}

cli_exit run_host_show(const cli_call *call)
{
	json_t *object = NULL;
	cli_exit result = cli_show(call, &object);
	if (result == CLI_OK && !cli_is_data(call) && call->output != CLI_NAME)
		print_findings(call);
	json_decref(object);
	return result;
}

/* A body of any size, printed as it comes. */
static cli_exit print_body(const cli_call *call)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path, .to_stdout = true};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && (fflush(stdout) != 0 || ferror(stdout))) {
		cli_say("error: what came cannot be written: %s", strerror(errno));
		result = CLI_FAILED;
	}
	cli_reply_clear(&reply);
	free(path);
	return result;
}

cli_exit run_instance_logs(const cli_call *call)
{
	return print_body(call);
}

cli_exit run_change(const cli_call *call)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = call->command->method, .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		result = cli_accepted(call, reply.json);
	cli_reply_clear(&reply);
	free(path);
	return result;
}

static bool is_confirmed(const cli_call *call)
{
	char typed[256];
	if (cli_option_of(call, "yes", 0) != NULL || isatty(STDIN_FILENO) != 1)
		return true;
	(void)fprintf(stderr,
	    "%s: '%s' cannot be brought back. Type its name to go on: ", call->command->summary,
	    call->args[0]);
	if (fgets(typed, sizeof(typed), stdin) == NULL)
		return false;
	typed[strcspn(typed, "\r\n")] = '\0';
	return strcmp(typed, call->args[0]) == 0;
}

cli_exit run_destroy(const cli_call *call)
{
	if (is_confirmed(call))
		return run_change(call);
	cli_say("error: that is not '%s': nothing was changed; --yes goes on without asking",
	    call->args[0]);
	return CLI_USAGE;
}

cli_exit run_export(const cli_call *call)
{
	return print_body(call);
}

/* ---- status ---- */
static long long number(const json_t *object, const char *path)
{
	return (long long)json_integer_value(cli_at(object, path));
}

cli_exit run_status(const cli_call *call)
{
	cli_request q = {.method = "GET", .path = call->command->path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	const json_t *o = reply.json;
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, o);
	} else if (result == CLI_OK) {
		printf("hosts       %lld online of %lld, %lld cordoned, %lld lost\n",
		    number(o, "hosts.online"), number(o, "hosts.total"), number(o, "hosts.cordoned"),
		    number(o, "hosts.lost"));
		if (json_is_true(cli_at(o, "brake.engaged")))
			printf("brake       %s\n", json_string_value(cli_at(o, "brake.reason")));
		printf("apps        %lld\n", number(o, "apps"));
		printf("instances   %lld healthy of %lld, %lld unknown\n", number(o, "instances.healthy"),
		    number(o, "instances.total"), number(o, "instances.byState.unknown"));
		printf("operations  %lld open\n", number(o, "openOperations"));
		printf("cpu         %.1f of %.1f cores booked\n",
		    (double)number(o, "booked.cpuMilli") / 1000,
		    (double)number(o, "capacity.cpuMilli") / 1000);
		printf("memory      %.1f of %.1f GiB booked\n",
		    (double)number(o, "booked.memoryBytes") / 1073741824,
		    (double)number(o, "capacity.memoryBytes") / 1073741824);
		printf("addresses   %lld of %lld used\n", number(o, "addresses.used"),
		    number(o, "addresses.size"));
	}
	cli_reply_clear(&reply);
	return result;
}

/* ---- events ---- */
typedef struct tail {
	const cli_call *call;
	char id[96], kind[72];
} tail;

static void print_event(const tail *t, sot_str data)
{
	json_t *event = json_loadb(data.p, data.n, 0, NULL);
	char *details = json_dumps(cli_at(event, "data"), JSON_COMPACT);
	if (t->call->output == CLI_JSON) {
		printf("%.*s\n", SOT_ARG(data));
	} else if (t->call->output == CLI_YAML) {
		printf("---\n");
		cli_print_data(t->call, event);
	} else
		printf("%s  %-20s %-24s %-16s %s\n", cli_text_at(event, "time"), t->kind,
		    cli_text_at(event, "subject"), cli_text_at(event, "sotaliaactor"),
		    details != NULL ? details : "");
	(void)fflush(stdout);
	free(details);
	json_decref(event);
}

static bool on_line(void *self, sot_str line)
{
	tail *t = self;
	if (sot_str_starts(line, "id: "))
		(void)snprintf(t->id, sizeof(t->id), "%.*s", (int)line.n - 4, line.p + 4);
	else if (sot_str_starts(line, "event: "))
		(void)snprintf(t->kind, sizeof(t->kind), "%.*s", (int)line.n - 7, line.p + 7);
	else if (sot_str_starts(line, "data: "))
		print_event(t, (sot_str){line.p + 6, line.n - 6});
	return !cli_interrupted();
}

/* A stream that breaks off is taken up where it was. */
cli_exit run_event_tail(const cli_call *call)
{
	tail t = {.call = call};
	char *path = cli_query_path(call);
	cli_exit result = CLI_OK;
	bool connected_once = false;
	while (!cli_interrupted()) {
		result = cli_stream(call, connected_once ? call->command->path : path, t.id, on_line, &t);
		if (result != CLI_OK && (result != CLI_UNREACHABLE || t.id[0] == '\0'))
			break;
		connected_once = t.id[0] != '\0';
		(void)poll(NULL, 0, 1000);
	}
	free(path);
	return cli_interrupted() ? CLI_DETACHED : result;
}
