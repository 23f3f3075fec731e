/* The bridges to CAT: their state, and questions that one of them answers. */
#include "cli.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 500, LOOKS_MAX = 200 };

static const cli_column bridge_columns[] = {
    {.title = "BRIDGE", .path = "name"},
    {.title = "NUMBER", .path = "number"},
    {.title = "ALIVE", .path = "alive"},
    {.title = "LEADS", .path = "status.leads"},
    {.title = "CAT", .path = "status.cat.server"},
    {.title = "MACHINES", .path = "status.machines.own"},
    {.title = "SENT", .path = "status.cat.framesSent"},
    {.title = "WAITING", .path = "status.queue.frames"},
    {.title = "ADDRESS", .path = "address", .wide = true},
    {.title = "ROUTER", .path = "status.cat.router", .wide = true},
    {.title = "BLOCKED", .path = "status.cat.blocked", .wide = true},
    {.title = "REPORTS AT", .path = "status.reports", .wide = true},
    {.title = NULL},
};

/* What was lost, by reason, as far as anything was. */
static void add_losses(const json_t *bridge, sot_buf *out)
{
	const char *reason;
	json_t *count;
	json_t *lost = (json_t *)(uintptr_t)cli_at(bridge, "status.lost");
	json_object_foreach(lost, reason, count)
	{
		if (json_integer_value(count) > 0)
			sot_buf_printf(out, "%s lost %lld: %s\n", cli_text_at(bridge, "name"),
			    (long long)json_integer_value(count), reason);
	}
}

static void add_troubles(const json_t *bridge, sot_buf *out)
{
	size_t i;
	const json_t *trouble;
	const json_t *list = cli_at(bridge, "status.trouble");
	json_array_foreach(list, i, trouble)
	{
		sot_buf_printf(out, "%s %s %s", cli_text_at(bridge, "name"), cli_text_at(trouble, "at"),
		    cli_text_at(trouble, "text"));
		long long times = (long long)json_integer_value(cli_at(trouble, "times"));
		sot_buf_printf(out, times > 1 ? " (%lld times)\n" : "\n", times);
	}
}

static void print_status(const cli_call *call, const json_t *status)
{
	size_t i;
	const json_t *bridge;
	const json_t *bridges = cli_at(status, "bridges");
	sot_buf out;
	sot_buf_init(&out, 1u << 20);
	cli_table(bridge_columns, bridges, call->output == CLI_WIDE, (int64_t)time(NULL), &out);
	json_array_foreach(bridges, i, bridge) add_losses(bridge, &out);
	json_array_foreach(bridges, i, bridge) add_troubles(bridge, &out);
	long long waiting = (long long)json_integer_value(cli_at(status, "events.waiting"));
	if (waiting > 0)
		sot_buf_printf(
		    &out, "%lld events wait, since %s\n", waiting, cli_text_at(status, "events.since"));
	cli_print(&out);
	sot_buf_clear(&out);
}

cli_exit run_monitor_status(const cli_call *call)
{
	cli_request q = {.method = "GET", .path = call->command->path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && cli_is_data(call))
		cli_print_data(call, reply.json);
	else if (result == CLI_OK)
		print_status(call, reply.json);
	cli_reply_clear(&reply);
	return result;
}

/* ---- questions ---- */

static cli_exit print_answer(const cli_call *call, const json_t *request)
{
	const json_t *answer = cli_at(request, "answer"), *frames = cli_at(answer, "frames");
	size_t i;
	const json_t *frame;
	const char *error = cli_text_at(answer, "error");
	if (error[0] != '\0') {
		cli_say("error: %s", error);
		return CLI_FAILED;
	}
	json_array_foreach(frames, i, frame) cli_print_data(call, frame);
	if (json_array_size(frames) == 0) {
		cli_say("no bridge has sent anything of it lately");
		return CLI_FAILED;
	}
	if (!json_is_true(cli_at(answer, "connected"))) {
		cli_say("bridge %s made it, but no CAT server is connected: sotalia monitor status",
		    cli_text_at(request, "bridge"));
		return CLI_FAILED;
	}
	cli_say(
	    "sent by bridge %s to %s", cli_text_at(request, "bridge"), cli_text_at(answer, "server"));
	return CLI_OK;
}

/* Looks until a bridge has answered. */
static cli_exit wait_answer(const cli_call *call, const char *id)
{
	char path[128];
	(void)snprintf(path, sizeof(path), "%s/%s", call->command->path, id);
	for (int look = 0; look < LOOKS_MAX && !cli_interrupted(); look++) {
		cli_request q = {.method = "GET", .path = path};
		cli_reply reply;
		cli_exit result = cli_send(call, &q, &reply);
		const json_t *answer = result == CLI_OK ? cli_at(reply.json, "answer") : NULL;
		bool is_over = result != CLI_OK || (answer != NULL && !json_is_null(answer));
		if (result == CLI_OK && is_over)
			result = print_answer(call, reply.json);
		cli_reply_clear(&reply);
		if (is_over)
			return result;
		(void)poll(NULL, 0, LOOK_MS);
	}
	cli_say("error: no bridge answers: sotalia monitor status");
	return CLI_FAILED;
}

static cli_exit ask(const cli_call *call, const char *kind)
{
	json_t *body = json_object();
	cli_request q = {.method = "POST", .path = call->command->path, .json = body};
	cli_reply reply;
	(void)json_object_set_new(body, "kind", json_string(kind));
	if (call->arg_count == 1)
		(void)json_object_set_new(body, "argument", json_string(call->args[0]));
	cli_catch_interrupts();
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		result = wait_answer(call, cli_text_at(reply.json, "resourceId"));
	cli_reply_clear(&reply);
	json_decref(body);
	return result;
}

cli_exit run_monitor_test(const cli_call *call)
{
	return ask(call, "test");
}

cli_exit run_monitor_trace(const cli_call *call)
{
	return ask(call, "trace");
}
