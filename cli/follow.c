/* --wait: an operation's log and steps while it runs, and its end as an exit code. */
#include "cli.h"

#include "sot_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct follower {
	const cli_call *call;
	const char *id;
	long long line; /* the last log line that was shown; -1: none */
	bool terminal, status_shown;
	char status[160];
} follower;

static cli_exit get(const follower *f, const char *tail, cli_reply *reply)
{
	char path[160];
	cli_request q = {.method = "GET", .path = path};
	(void)snprintf(path, sizeof(path), "/v1/operations/%s%s", f->id, tail);
	return cli_send(f->call, &q, reply);
}

static void clear_status(follower *f)
{
	if (f->terminal && f->status_shown)
		(void)fprintf(stderr, "\r%*s\r", (int)strlen(f->status), "");
	f->status_shown = false;
}

cli_exit cli_log(
    const cli_call *call, const char *operation_id, long long *line, FILE *out, size_t *ret_count)
{
	char path[160];
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result;
	const json_t *items;
	(void)snprintf(path, sizeof(path), "/v1/operations/%.64s/log?limit=500&after=%lld",
	    operation_id, *line < 0 ? 0 : *line);
	result = cli_send(call, &q, &reply);
	items = result == CLI_OK ? cli_at(reply.json, "items") : NULL;
	*ret_count = json_array_size(items);
	for (size_t i = 0; i < *ret_count; i++) {
		const json_t *item = json_array_get(items, i);
		*line = json_integer_value(cli_at(item, "line"));
		(void)fprintf(out, "  %.8s  %s\n",
		    strlen(cli_text_at(item, "at")) > 19 ? cli_text_at(item, "at") + 11 : "",
		    cli_text_at(item, "text"));
	}
	cli_reply_clear(&reply);
	return result;
}

static cli_exit show_log(follower *f)
{
	size_t count = 0;
	clear_status(f);
	return cli_log(f->call, f->id, &f->line, stderr, &count);
}

/* One line that is written over on a terminal: what runs, how far, what it waits for. */
static void show_status(follower *f, const json_t *operation)
{
	const char *waits = cli_text_at(operation, "waitsFor");
	if (!f->terminal)
		return;
	clear_status(f);
	(void)snprintf(f->status, sizeof(f->status), "%s %s: %s, %lld of %lld%s%s",
	    cli_text_at(operation, "kind"), cli_text_at(operation, "target"),
	    cli_text_at(operation, "state"),
	    (long long)json_integer_value(cli_at(operation, "progress.done")),
	    (long long)json_integer_value(cli_at(operation, "progress.total")),
	    waits[0] != '\0' ? "; waits for " : "", waits);
	(void)fputs(f->status, stderr);
	(void)fflush(stderr);
	f->status_shown = true;
}

static cli_exit end(const follower *f, const json_t *operation)
{
	const char *state = cli_text_at(operation, "state");
	if (strcmp(state, "done") == 0) {
		cli_say("done: %s %s", cli_text_at(operation, "kind"), cli_text_at(operation, "target"));
		return CLI_OK;
	}
	cli_say("error: the operation %s: %s",
	    strcmp(state, "cancelled") == 0 ? "was cancelled" : "failed",
	    cli_text_at(operation, "error"));
	if (cli_text_at(operation, "outcome")[0] != '\0')
		cli_say("  what stands: %s", cli_text_at(operation, "outcome"));
	cli_say("  try: sotalia operation show %s, sotalia operation retry %s", f->id, f->id);
	return CLI_FAILED;
}

static bool has_ended(const json_t *operation)
{
	const char *state = cli_text_at(operation, "state");
	return strcmp(state, "queued") != 0 && strcmp(state, "running") != 0;
}

/* The server holds the answer back for up to a second: this loop does not spin. */
static cli_exit look(follower *f, bool *ret_ended)
{
	cli_reply reply;
	cli_exit result = get(f, "?wait=1s", &reply);
	if (result == CLI_OK)
		result = show_log(f);
	if (result == CLI_OK) {
		show_status(f, reply.json);
		*ret_ended = has_ended(reply.json);
		if (*ret_ended) {
			clear_status(f);
			result = end(f, reply.json);
		}
	}
	cli_reply_clear(&reply);
	return result;
}

cli_exit cli_follow(const cli_call *call, const char *operation_id, int64_t wait_ms)
{
	follower f = {.call = call, .id = operation_id, .line = -1};
	sot_mono until = sot_mono_add_ms(sot_mono_now(), wait_ms);
	bool ended = false;
	cli_exit result = CLI_OK;
	f.terminal = isatty(STDERR_FILENO) == 1;
	while (result == CLI_OK && !ended && !cli_interrupted()) {
		if (sot_mono_reached(sot_mono_now(), until)) {
			clear_status(&f);
			cli_say("the wait is over; the operation goes on: sotalia operation watch %s",
			    operation_id);
			return CLI_TIMED_OUT;
		}
		result = look(&f, &ended);
	}
	if (!cli_interrupted())
		return result;
	clear_status(&f);
	cli_say("detached; the operation goes on: sotalia operation watch %s", operation_id);
	return CLI_DETACHED;
}

/* What was done at once, without an operation. */
static const char *done_word(const cli_call *call)
{
	const char *method = call->command->method;
	if (method != NULL && strcmp(method, "DELETE") == 0)
		return "deleted";
	return call->command->verb != NULL && strcmp(call->command->verb, "update") == 0 ? "updated"
	                                                                                 : "created";
}

cli_exit cli_accepted(const cli_call *call, const json_t *accepted)
{
	const char *id = cli_text_at(accepted, "operation.id");
	const char *token = cli_text_at(accepted, "fetchToken");
	const char *own_token = cli_text_at(accepted, "token");
	const char *secret = cli_text_at(accepted, "secret");
	if (cli_is_data(call)) {
		cli_print_data(call, accepted);
	} else if (call->output == CLI_NAME) {
		printf("%s\n", id[0] != '\0' ? id : cli_text_at(accepted, "resourceId"));
	} else {
		if (json_is_true(cli_at(accepted, "replayed")))
			cli_say("this key was used before; this is what it did then");
		if (id[0] != '\0')
			printf("operation %s\n", id);
		if (token[0] != '\0')
			printf("host %s\ntoken %s\n", cli_text_at(accepted, "hostId"), token);
		if (id[0] == '\0')
			printf("%s %s\n", done_word(call), cli_text_at(accepted, "resourceId"));
		if (own_token[0] != '\0')
			printf("token %s\n", own_token);
		if (secret[0] != '\0')
			printf("secret %s\n", secret);
	}
	(void)fflush(stdout);
	return call->wait_ms > 0 && id[0] != '\0' ? cli_follow(call, id, call->wait_ms) : CLI_OK;
}
