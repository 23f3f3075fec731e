/* Bringing machines into service: the import of a list, the log of an installation, keys. */
#include "cli.h"

#include "sot_file.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_MS = 500, FILE_BYTES_MAX = 1000000 };

/* Takes the body. Prints how many are what each of `words` says (NULL ends them); follows the
 * operation with --wait. */
static cli_exit send_machines(const cli_call *call, json_t *body, const char *const words[])
{
	cli_request q = {.method = "POST", .path = call->command->path, .json = body};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	const char *operation = cli_text_at(reply.json, "operation.id");
	if (result == CLI_OK && cli_is_data(call))
		cli_print_data(call, reply.json);
	else if (result == CLI_OK) {
		for (size_t i = 0; words[i] != NULL; i++)
			printf("%s%lld %s", i > 0 ? ", " : "",
			    (long long)json_integer_value(cli_at(reply.json, words[i])), words[i]);
		printf(operation[0] != '\0' ? ", operation %s\n" : "%s\n", operation);
	}
	if (result == CLI_OK && operation[0] != '\0' && call->wait_ms > 0)
		result = cli_follow(call, operation, call->wait_ms);
	cli_reply_clear(&reply);
	json_decref(body);
	return result;
}

/* Said, or shown by the file's name: what Ansible calls its inventories. */
static bool is_inventory(const cli_call *call)
{
	static const char *const endings[] = {".ini", ".yml", ".yaml"};
	const char *dot = strrchr(call->args[0], '.');
	if (cli_option_of(call, "inventory", 0) != NULL || cli_option_of(call, "group", 0) != NULL)
		return true;
	for (size_t i = 0; dot != NULL && i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strcmp(dot, endings[i]) == 0)
			return true;
	return false;
}

cli_exit run_host_import(const cli_call *call)
{
	SOT_AUTO_BUF csv;
	sot_err err = {0};
	sot_buf_init(&csv, FILE_BYTES_MAX);
	if (sot_file_read(call->args[0], &csv, &err) != SOT_OK) {
		cli_say("error: %s", err.text);
		return CLI_USAGE;
	}
	json_t *text = json_stringn(csv.n > 0 ? csv.p : "", csv.n);
	if (text == NULL) {
		cli_say("error: %s is not UTF-8", call->args[0]);
		return CLI_USAGE;
	}
	const char *group = cli_option_of(call, "group", 0);
	json_t *body = json_pack("{s:o, s:b}", is_inventory(call) ? "inventory" : "csv", text, "dryRun",
	    cli_option_of(call, "dry-run", 0) != NULL);
	if (group != NULL)
		(void)json_object_set_new(body, "group", json_string(group));
	return send_machines(
	    call, body, (const char *const[]){"imported", "changed", "unchanged", NULL});
}

cli_exit run_host_retry(const cli_call *call)
{
	json_t *names = json_array();
	bool all = cli_option_of(call, "failed", 0) != NULL;
	if (all == (call->arg_count > 0)) {
		cli_say("error: name the machines, or say --failed for all that failed");
		json_decref(names);
		return CLI_USAGE;
	}
	for (size_t i = 0; i < call->arg_count; i++)
		(void)json_array_append_new(names, json_string(call->args[i]));
	return send_machines(call,
	    json_pack("{s:o, s:b}", "names", names, "newSshKey",
	        cli_option_of(call, "new-ssh-key", 0) != NULL),
	    (const char *const[]){"retried", NULL});
}

cli_exit run_host_enrolment(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "machine", call->args[0]);
	cli_request q = {.method = "POST", .path = call->command->path, .json = body};
	cli_reply reply = {0};
	cli_exit result = CLI_USAGE;
	if (cli_set_option_number(body, call, "minutes", "minutes") &&
	    cli_set_flag(body, call, "by-hand", "byHand")) {
		result = cli_send(call, &q, &reply);
		if (result == CLI_OK && cli_is_data(call))
			cli_print_data(call, reply.json);
		else if (result == CLI_OK)
			cli_print_object(reply.json);
		cli_reply_clear(&reply);
	}
	json_decref(body);
	return result;
}

/* ---- the log ---- */
static void print_line(const json_t *line)
{
	const char *text = cli_text_at(line, "text"), *at = cli_text_at(line, "at");
	printf("%.19s  %lld  %-11s %s", at, (long long)json_integer_value(cli_at(line, "attempt")),
	    cli_text_at(line, "status"), cli_text_at(line, "task"));
	printf(text[0] != '\0' ? ": %s\n" : "%s\n", text);
}

/* The lines after *after; *after becomes the last one. */
static cli_exit print_lines(
    const cli_call *call, const char *path, long long *after, size_t *ret_count)
{
	char with_query[512];
	cli_reply reply;
	size_t i;
	const json_t *line;
	(void)snprintf(with_query, sizeof(with_query), "%s?limit=500&after=%lld", path, *after);
	cli_request q = {.method = "GET", .path = *after > 0 ? with_query : path};
	cli_exit result = cli_send(call, &q, &reply);
	const json_t *items = result == CLI_OK ? cli_at(reply.json, "items") : NULL;
	json_array_foreach(items, i, line)
	{
		if (cli_is_data(call))
			cli_print_data(call, line);
		else
			print_line(line);
		*after = (long long)json_integer_value(cli_at(line, "line"));
	}
	*ret_count = json_array_size(items);
	(void)fflush(stdout);
	cli_reply_clear(&reply);
	return result;
}

static cli_exit is_over(const cli_call *call, bool *ret)
{
	char *path = cli_path("/v1/machines/%s", call->args, call->arg_count);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	const char *state = cli_text_at(reply.json, "state");
	*ret = strcmp(state, "online") == 0 || strcmp(state, "failed") == 0;
	cli_reply_clear(&reply);
	free(path);
	return result;
}

cli_exit run_machine_log(const cli_call *call)
{
	char *path = cli_path(call->command->path, call->args, call->arg_count);
	bool follows = cli_option_of(call, "follow", 0) != NULL, over = !follows;
	long long after = 0;
	size_t count = 0;
	cli_exit result = CLI_OK;
	cli_catch_interrupts();
	do {
		if (follows)
			result = is_over(call, &over); /* before the lines: the last ones are not missed */
		do {
			if (result == CLI_OK)
				result = print_lines(call, path, &after, &count);
		} while (result == CLI_OK && count > 0);
		if (result == CLI_OK && !over)
			(void)poll(NULL, 0, LOOK_MS);
	} while (result == CLI_OK && !over && !cli_interrupted());
	free(path);
	return result;
}

/* ---- keys ---- */
static cli_exit decide(const cli_call *call, const json_t *body)
{
	char *path = cli_path(call->command->path, call->args, call->arg_count);
	cli_request q = {.method = "POST", .path = path, .json = body};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && cli_is_data(call))
		cli_print_data(call, reply.json);
	cli_reply_clear(&reply);
	free(path);
	return result;
}

cli_exit run_host_key_approve(const cli_call *call)
{
	return decide(call, NULL);
}

cli_exit run_host_key_revoke(const cli_call *call)
{
	json_t *body = json_object();
	cli_exit result = CLI_USAGE;
	if (cli_needed(call, "reason") && cli_set_text(body, call, "reason", "reason", NULL))
		result = decide(call, body);
	json_decref(body);
	return result;
}
