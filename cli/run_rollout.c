/* Rollouts: strategies from options, plans and progress for people, the way back. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* ---- strategies ---- */

/* "4", or "25%" of the instances. */
static bool set_batch(json_t *strategy, const cli_call *call)
{
	const char *text = cli_option_of(call, "batch", 0);
	char share[16];
	size_t n = text != NULL ? strlen(text) : 0;
	if (n == 0 || text[n - 1] != '%')
		return cli_set_number(strategy, "--batch", "batch", text);
	(void)snprintf(share, sizeof(share), "%.*s", (int)n - 1, text);
	return cli_set_number(strategy, "--batch", "batchPercent", share);
}

/* The answer to something that nobody would guess: "roll-back" means what "roll_back" does. */
static bool set_failure(json_t *strategy, const cli_call *call)
{
	const char *text = cli_option_of(call, "on-failure", 0);
	if (text != NULL && (strcmp(text, "rollback") == 0 || strcmp(text, "roll-back") == 0))
		text = "roll_back";
	return text == NULL || json_object_set_new(strategy, "onFailure", json_string(text)) == 0;
}

bool cli_add_strategy(json_t *body, const cli_call *call)
{
	json_t *strategy = json_object();
	bool right =
	    set_batch(strategy, call) &&
	    cli_set_number(strategy, "--canary", "canary", cli_option_of(call, "canary", 0)) &&
	    cli_set_text(strategy, call, "order", "order", NULL) &&
	    cli_set_number(strategy, "--away", "maxUnavailable", cli_option_of(call, "away", 0)) &&
	    cli_set_number(strategy, "--surge", "surge", cli_option_of(call, "surge", 0)) &&
	    cli_set_text(strategy, call, "pause", "pause", NULL) &&
	    cli_set_number(
	        strategy, "--pause-seconds", "pauseSeconds", cli_option_of(call, "pause-seconds", 0)) &&
	    cli_set_number(
	        strategy, "--bake-seconds", "bakeSeconds", cli_option_of(call, "bake-seconds", 0)) &&
	    cli_set_number(
	        strategy, "--drain-seconds", "drainSeconds", cli_option_of(call, "drain-seconds", 0)) &&
	    cli_set_text(strategy, call, "rotation-command", "rotationCommand", NULL) &&
	    cli_set_number(strategy, "--error-permille", "errorPermilleMax",
	        cli_option_of(call, "error-permille", 0)) &&
	    set_failure(strategy, call) &&
	    cli_set_number(strategy, "--deadline-seconds", "deadlineSeconds",
	        cli_option_of(call, "deadline-seconds", 0));
	if (json_object_size(strategy) > 0)
		(void)json_object_set(body, "strategy", strategy);
	json_decref(strategy);
	if (cli_option_of(call, "plan", 0) != NULL)
		(void)json_object_set_new(body, "dryRun", json_true());
	return right;
}

/* ---- the plan ---- */

static void print_plan(const json_t *plan)
{
	size_t at, k;
	const json_t *batch, *i;
	printf("%s of %s: '%s' -> '%s', %lld instances, at most %lld away at a time\n",
	    cli_text_at(plan, "kind"), cli_text_at(plan, "app"), cli_text_at(plan, "from"),
	    cli_text_at(plan, "to"), (long long)json_integer_value(cli_at(plan, "instances")),
	    (long long)json_integer_value(cli_at(plan, "mayBeAway")));
	json_array_foreach(json_object_get(plan, "batches"), at, batch)
	{
		printf("batch %lld%s\n", (long long)json_integer_value(cli_at(batch, "number")),
		    json_is_true(cli_at(batch, "canary")) ? " (canary)" : "");
		json_array_foreach(json_object_get(batch, "instances"), k, i)
		{
			printf("    %-32s %-16s %-8s %-10s '%s' -> '%s'\n", cli_text_at(i, "name"),
			    cli_text_at(i, "host"), cli_text_at(i, "az"), cli_text_at(i, "health"),
			    cli_text_at(i, "from"), cli_text_at(i, "to"));
		}
	}
}

/* Takes the body. */
static cli_exit send_rollout(const cli_call *call, json_t *body)
{
	return cli_send_planned(call, cli_add_strategy(body, call), "POST", 0, body, print_plan);
}

cli_exit run_app_deploy(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "version", call->args[1]);
	(void)cli_set_text(body, call, "group", "group", NULL);
	return send_rollout(call, body);
}

cli_exit run_app_resize(const cli_call *call)
{
	return send_rollout(call, json_pack("{s:s}", "plan", call->args[1]));
}

cli_exit run_app_middleware(const cli_call *call)
{
	bool is_out = cli_option_of(call, "remove", 0) != NULL;
	bool is_back = cli_option_of(call, "back", 0) != NULL;
	if (is_out + is_back + (call->arg_count == 3) != 1) {
		cli_say("error: give a VERSION, or --back, or --remove");
		return CLI_USAGE;
	}
	if (is_back)
		return send_rollout(call, json_pack("{s:s, s:b}", "middleware", call->args[1], "back", 1));
	return send_rollout(call, json_pack("{s:s, s:s}", "middleware", call->args[1], "version",
	                              is_out ? "" : call->args[2]));
}

cli_exit run_app_rebuild(const cli_call *call)
{
	json_t *body = json_object();
	const char *image = cli_option_of(call, "image", 0);
	if (image != NULL)
		(void)json_object_set_new(body, "image", json_string(image));
	return send_rollout(call, body);
}

/* ---- the version before ---- */

/* GET of a path made of the app's name; *ret is to be released in both cases. */
static cli_exit get(const cli_call *call, const char *pattern, json_t **ret)
{
	char *path = cli_path(pattern, call->args, 1);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	*ret = result == CLI_OK ? json_incref(reply.json) : NULL;
	cli_reply_clear(&reply);
	free(path);
	return result;
}

/* To what the app ran before; a version that one of its groups tried is none. */
cli_exit run_app_rollback(const cli_call *call)
{
	json_t *app = NULL, *settings = NULL;
	cli_exit result = get(call, "/v1/apps/%s", &app);
	if (result == CLI_OK)
		result = get(call, "/v1/apps/%s/settings", &settings);
	const char *version = result == CLI_OK ? cli_text_at(settings, "versionBefore") : "";
	if (result == CLI_OK && version[0] == '\0') {
		cli_say("error: no earlier version of '%s' was rolled out; name one: sotalia app deploy",
		    call->args[0]);
		result = CLI_NOT_FOUND;
	} else if (result == CLI_OK) {
		cli_say("%s: '%s' -> '%s'", call->args[0], cli_text_at(app, "version"), version);
		result = send_rollout(call, json_pack("{s:s}", "version", version));
	}
	json_decref(app);
	json_decref(settings);
	return result;
}

/* ---- progress ---- */

static void print_progress(const json_t *operation)
{
	const json_t *r = json_object_get(operation, "rollout");
	const char *paused = cli_text_at(r, "pausedBy"), *cause = cli_text_at(r, "cause");
	printf("%s %s: %s", cli_text_at(operation, "kind"), cli_text_at(operation, "target"),
	    cli_text_at(operation, "state"));
	if (json_is_object(r))
		printf(", %s, batch %lld of %lld", cli_text_at(r, "phase"),
		    (long long)json_integer_value(cli_at(r, "batch")),
		    (long long)json_integer_value(cli_at(r, "batches")));
	printf("\n");
	if (paused[0] != '\0')
		printf("paused by %s\n", paused);
	if (cause[0] != '\0')
		printf("goes back: %s\n", cause);
	if (cli_text_at(operation, "waitsFor")[0] != '\0')
		printf("waits for %s\n", cli_text_at(operation, "waitsFor"));
	if (cli_text_at(operation, "outcome")[0] != '\0')
		printf("what stands: %s\n", cli_text_at(operation, "outcome"));
}

cli_exit run_rollout_show(const cli_call *call)
{
	static const cli_column columns[] = {{.title = "BATCH", .path = "batch"},
	    {.title = "INSTANCE", .path = "subject"}, {.title = "STEP", .path = "name"},
	    {.title = "STATE", .path = "state"}, {.title = "DETAIL", .path = "detail"},
	    {.title = NULL}};
	json_t *operation = NULL;
	SOT_AUTO_BUF text = {0};
	cli_exit result = get(call, "/v1/operations/%s", &operation);
	sot_buf_init(&text, 16u * 1024 * 1024);
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, operation);
	} else if (result == CLI_OK) {
		print_progress(operation);
		cli_table(columns, json_object_get(operation, "steps"), false, 0, &text);
		cli_print(&text);
	}
	json_decref(operation);
	return result;
}
