/* Commands about operations, and those that act on many targets at once. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- show, log ---- */
static cli_exit show_parts(const cli_call *call, const json_t *operation, sot_buf *text)
{
	static const cli_column columns[] = {{.title = "PART", .path = "target"},
	    {.title = "STATE", .path = "state"},
	    {.title = "TOOK", .path = "durationMs", .format = CLI_MS},
	    {.title = "WAITS FOR", .path = "waitsFor"}, {.title = "ERROR", .path = "error"},
	    {.title = "ID", .path = "id"}, {.title = NULL}};
	char path[160];
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result;
	(void)snprintf(
	    path, sizeof(path), "/v1/operations?limit=500&parent=%s", cli_text_at(operation, "id"));
	result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		cli_table(columns, cli_at(reply.json, "items"), false, 0, text);
	cli_reply_clear(&reply);
	return result;
}

cli_exit run_operation_show(const cli_call *call)
{
	static const cli_column columns[] = {{.title = "STEP", .path = "name"},
	    {.title = "SUBJECT", .path = "subject"}, {.title = "STATE", .path = "state"},
	    {.title = "DETAIL", .path = "detail"}, {.title = NULL}};
	json_t *operation = NULL;
	cli_exit result = cli_show(call, &operation);
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 16u * 1024 * 1024);
	if (result == CLI_OK && !cli_is_data(call) && call->output != CLI_NAME) {
		if (strncmp(cli_text_at(operation, "kind"), "bulk.", 5) == 0)
			result = show_parts(call, operation, &text);
		else
			cli_table(columns, cli_at(operation, "steps"), false, 0, &text);
		printf("\n");
		cli_print(&text);
	}
	json_decref(operation);
	return result;
}

cli_exit run_operation_log(const cli_call *call)
{
	char *id = cli_escape(call->args[0]);
	long long line = -1;
	size_t count = 1;
	cli_exit result = CLI_OK;
	while (result == CLI_OK && count > 0)
		result = cli_log(call, id, &line, stdout, &count);
	free(id);
	return result;
}

cli_exit run_operation_watch(const cli_call *call)
{
	char *id = cli_escape(call->args[0]);
	cli_exit result = cli_follow(call, id, call->wait_ms > 0 ? call->wait_ms : 3600000);
	free(id);
	return result;
}

/* ---- many targets ---- */
static bool add_list(json_t *body, const cli_call *call, const char *option, const char *field)
{
	json_t *list = json_array();
	bool right = true;
	for (size_t i = 0; right && cli_option_of(call, option, i) != NULL; i++)
		right = json_array_append_new(list, json_string(cli_option_of(call, option, i))) == 0;
	if (json_array_size(list) > 0)
		(void)json_object_set(body, field, list);
	json_decref(list);
	if (!right)
		cli_say("error: --%s is not UTF-8", option);
	return right;
}

static bool add_names(json_t *body, const char *const *names, size_t count)
{
	json_t *list = json_array();
	bool right = true;
	for (size_t i = 0; right && i < count; i++)
		right = json_array_append_new(list, json_string(names[i])) == 0;
	if (count > 0)
		(void)json_object_set(body, "instances", list);
	json_decref(list);
	if (!right)
		cli_say("error: a name is not UTF-8");
	return right;
}

static bool add_selection(json_t *body, const cli_call *call)
{
	return add_list(body, call, "app", "apps") && add_list(body, call, "host", "hosts") &&
	       add_list(body, call, "tag", "tags") && cli_set_text(body, call, "az", "az", NULL) &&
	       cli_set_text(body, call, "rack", "rack", NULL) &&
	       cli_set_text(body, call, "version", "version", NULL) &&
	       cli_set_number(body, "--count", "count", cli_option_of(call, "count", 0)) &&
	       cli_set_number(body, "--parallel", "parallel", cli_option_of(call, "parallel", 0)) &&
	       cli_set_number(
	           body, "--failures-max", "failuresMax", cli_option_of(call, "failures-max", 0));
}

/* "restart 12 targets, 2 at a time: a, b, c ..." */
static void say_matched(const char *action, const json_t *matched)
{
	const json_t *names = cli_at(matched, "names");
	long long count = (long long)json_integer_value(cli_at(matched, "count"));
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 65536);
	for (size_t i = 0; i < json_array_size(names) && i < 10; i++)
		sot_buf_printf(
		    &text, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(names, i)));
	cli_say("%s: %lld target%s, %lld at a time: %.*s%s", action, count, count == 1 ? "" : "s",
	    (long long)json_integer_value(cli_at(matched, "parallel")), SOT_ARG(sot_buf_str(&text)),
	    count > 10 ? " ..." : "");
}

/* On a terminal the number of targets must be typed. */
static bool is_confirmed(const cli_call *call, long long count)
{
	char typed[32], wanted[32];
	if (cli_option_of(call, "yes", 0) != NULL || isatty(STDIN_FILENO) != 1)
		return true;
	(void)fprintf(stderr, "Type how many that are (%lld) to go on: ", count);
	if (fgets(typed, sizeof(typed), stdin) == NULL)
		return false;
	typed[strcspn(typed, "\r\n")] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "%lld", count);
	return strcmp(typed, wanted) == 0;
}

static cli_exit ask_what_is_hit(const cli_call *call, json_t *body, json_t **ret)
{
	cli_request q = {.method = "POST", .path = "/v1/operations/bulk", .json = body};
	cli_reply reply;
	cli_exit result;
	(void)json_object_set_new(body, "dryRun", json_true());
	result = cli_send(call, &q, &reply);
	(void)json_object_del(body, "dryRun");
	*ret = result == CLI_OK ? json_incref(json_object_get(reply.json, "matched")) : NULL;
	cli_reply_clear(&reply);
	return result;
}

static cli_exit send_bulk(const cli_call *call, json_t *body, long long count)
{
	cli_request q = {.method = "POST", .path = "/v1/operations/bulk", .json = body};
	cli_reply reply;
	cli_exit result;
	if (!is_confirmed(call, count)) {
		cli_say("error: not confirmed: nothing was changed; --yes goes on without asking");
		return CLI_USAGE;
	}
	(void)json_object_set_new(body, "expect", json_integer(count));
	result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		result = cli_accepted(call, reply.json);
	cli_reply_clear(&reply);
	return result;
}

cli_exit cli_run_many(const cli_call *call, const char *action, json_t *body)
{
	json_t *matched = NULL;
	cli_exit result = ask_what_is_hit(call, body, &matched);
	if (result == CLI_OK && cli_is_data(call) && cli_option_of(call, "dry-run", 0) != NULL)
		cli_print_data(call, matched);
	else if (result == CLI_OK)
		say_matched(action, matched);
	if (result == CLI_OK && cli_option_of(call, "dry-run", 0) == NULL)
		result = send_bulk(call, body, (long long)json_integer_value(cli_at(matched, "count")));
	json_decref(matched);
	json_decref(body);
	return result;
}

static bool selects(const cli_call *call)
{
	static const char *const options[] = {"app", "host", "tag", "az", "rack"};
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (cli_option_of(call, options[i], 0) != NULL)
			return true;
	return false;
}

cli_exit run_instance_act(const cli_call *call)
{
	const char *verb = call->command->verb;
	json_t *body;
	if (call->arg_count == 1 && !selects(call) && cli_option_of(call, "dry-run", 0) == NULL)
		return strcmp(verb, "retire") == 0 ? run_destroy(call) : run_change(call);
	if (call->arg_count == 0 && !selects(call)) {
		cli_say(
		    "error: which instances? Name them, or select with --app, --host, --tag, --az, --rack");
		return CLI_USAGE;
	}
	body = json_pack("{s:s}", "action", verb);
	if (add_names(body, call->args, call->arg_count) && add_selection(body, call))
		return cli_run_many(call, verb, body);
	json_decref(body);
	return CLI_USAGE;
}

cli_exit run_operation_bulk(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "action", call->args[0]);
	if (body != NULL && add_selection(body, call))
		return cli_run_many(call, call->args[0], body);
	json_decref(body);
	return CLI_USAGE;
}
