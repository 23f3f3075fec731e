/* Commands that send a body: JSON from options, or a file. */
#include "placement.h"

#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

bool cli_set_text(json_t *body, const cli_call *call, const char *option, const char *field,
    const char *otherwise)
{
	const char *value = cli_option_of(call, option, 0);
	json_t *text;
	if (value == NULL)
		value = otherwise;
	if (value == NULL)
		return true;
	text = json_string(value);
	if (text != NULL && json_object_set_new(body, field, text) == 0)
		return true;
	cli_say("error: --%s is not UTF-8", option);
	return false;
}

bool cli_set_number(json_t *body, const char *what, const char *field, const char *text)
{
	int64_t value = 0;
	if (text == NULL)
		return true;
	if (sot_parse_i64(sot_str_c(text), 0, 1000000000, &value, NULL) != SOT_OK) {
		cli_say("error: %s '%s' is not a whole number", what, text);
		return false;
	}
	return json_object_set_new(body, field, json_integer(value)) == 0;
}

bool cli_needed(const cli_call *call, const char *option)
{
	if (cli_option_of(call, option, 0) != NULL)
		return true;
	cli_say("error: --%s is needed; see sotalia %s %s --help", option, call->command->noun,
	    call->command->verb);
	return false;
}

/* Of the query only the VRF: the other options are fields of the body. */
static char *body_path(const cli_call *call, const char *method)
{
	char *path = cli_path(call->command->path, call->args, call->arg_count), *vrf, *copy;
	sot_buf out;
	if (cli_option_of(call, "vrf", 0) == NULL || strcmp(method, "PUT") != 0)
		return path;
	vrf = cli_escape(cli_option_of(call, "vrf", 0));
	sot_buf_init(&out, 65536);
	sot_buf_printf(&out, "%s?vrf=%s", path, vrf);
	copy = sot_strndup(sot_buf_str(&out));
	sot_buf_clear(&out);
	free(vrf);
	free(path);
	return copy;
}

/* Takes the body. */
static cli_exit send_body(const cli_call *call, const char *method, json_t *body)
{
	char *path = body_path(call, method);
	cli_request q = {.method = method, .path = path, .json = body};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && json_is_string(json_object_get(reply.json, "etag")))
		result = forecast_print(call, reply.json); /* a dry run */
	else if (result == CLI_OK)
		result = cli_accepted(call, reply.json);
	cli_reply_clear(&reply);
	json_decref(body);
	free(path);
	return result;
}

cli_exit cli_send_if(const cli_call *call, bool right, const char *method, json_t *body)
{
	if (right)
		return send_body(call, method, body);
	json_decref(body);
	return CLI_USAGE;
}

cli_exit cli_send_planned(const cli_call *call, bool right, const char *method, size_t at,
    json_t *body, void (*show)(const json_t *plan))
{
	char *path = cli_path(call->command->path, call->args + at, 1);
	cli_request q = {.method = method, .path = path, .json = body};
	cli_reply reply = {0};
	cli_exit result = right ? cli_send(call, &q, &reply) : CLI_USAGE;
	if (result == CLI_OK && !json_is_true(json_object_get(body, "dryRun")))
		result = cli_accepted(call, reply.json);
	else if (result == CLI_OK && cli_is_data(call))
		cli_print_data(call, reply.json);
	else if (result == CLI_OK)
		show(reply.json);
	cli_reply_clear(&reply);
	json_decref(body);
	free(path);
	return result;
}

cli_exit run_host_register(const cli_call *call)
{
	json_t *body = json_pack("{s:s, s:[]}", "name", call->args[0], "tags");
	bool right = cli_needed(call, "key") && cli_set_text(body, call, "key", "publicKey", NULL) &&
	             cli_set_text(body, call, "az", "az", "az1") &&
	             cli_set_text(body, call, "rack", "rack", "rack1");
	for (size_t i = 0; cli_option_of(call, "tag", i) != NULL; i++)
		(void)json_array_append_new(
		    json_object_get(body, "tags"), json_string(cli_option_of(call, "tag", i)));
	return cli_send_if(call, right, "POST", body);
}

static bool set_health(json_t *body, const cli_call *call)
{
	json_t *health = json_object();
	(void)json_object_set_new(body, "health", health);
	return cli_set_text(health, call, "health", "kind", "none") &&
	       cli_set_number(health, "--port", "port", cli_option_of(call, "port", 0)) &&
	       cli_set_text(health, call, "health-path", "path", NULL) &&
	       cli_set_text(health, call, "health-command", "command", NULL) &&
	       cli_set_option_number(health, call, "health-timeout-ms", "timeoutMs") &&
	       cli_set_option_number(health, call, "health-interval-ms", "intervalMs") &&
	       cli_set_option_number(health, call, "health-restart-after", "restartAfter");
}

static bool set_env(json_t *body, const cli_call *call)
{
	json_t *list = json_array();
	(void)json_object_set_new(body, "env", list);
	for (size_t i = 0; cli_option_of(call, "env", i) != NULL; i++) {
		const char *text = cli_option_of(call, "env", i), *equals = strchr(text, '=');
		json_t *item;
		if (equals == NULL || equals == text) {
			cli_say("error: --env='%s' is not NAME=VALUE", text);
			return false;
		}
		item = json_pack("{s:s%, s:s}", "name", text, (size_t)(equals - text), "value", equals + 1);
		if (item == NULL || json_array_append_new(list, item) != 0) {
			cli_say("error: --env='%s' is not UTF-8", text);
			return false;
		}
	}
	return true;
}

/* --dry-run, and the etag of one that was done before. */
static bool set_forecast(json_t *body, const cli_call *call)
{
	if (cli_option_of(call, "dry-run", 0) != NULL)
		(void)json_object_set_new(body, "dryRun", json_true());
	return cli_set_text(body, call, "if-still-true", "ifStillTrue", NULL);
}

cli_exit run_app_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "name", call->args[0]);
	const char *count = cli_option_of(call, "count", 0);
	bool right = cli_needed(call, "image") && cli_set_text(body, call, "image", "image", NULL) &&
	             cli_set_text(body, call, "vlan", "vlan", "default") &&
	             cli_set_text(body, call, "plan", "plan", "small") &&
	             cli_set_text(body, call, "version", "version", NULL) &&
	             cli_set_text(body, call, "command", "command", NULL) && set_health(body, call) &&
	             cli_set_text(body, call, "recovery", "recovery", NULL) &&
	             cli_set_text(body, call, "on-return", "onReturn", NULL) && set_env(body, call) &&
	             cli_set_placement(body, call) && set_forecast(body, call) &&
	             cli_set_number(body, "--count", "count", count != NULL ? count : "1");
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_app_scale(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_number(body, "COUNT", "count", call->args[1]) &&
	             set_forecast(body, call) && cli_set_text(body, call, "group", "group", NULL) &&
	             cli_set_text(body, call, "pick", "pick", NULL);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_instance_resize(const cli_call *call)
{
	json_t *body = json_object();
	const char *limit = cli_option_of(call, "bandwidth-kbit", 0);
	bool right = true;
	if (call->arg_count > 1)
		(void)json_object_set_new(body, "plan", json_string(call->args[1]));
	if (limit && strcmp(limit, "plan") == 0)
		(void)json_object_set_new(body, "bandwidthOfPlan", json_true());
	else if (limit)
		right = cli_set_option_number(body, call, "bandwidth-kbit", "bandwidthKbit");
	cli_call plain = *call;
	plain.arg_count = 1;
	return cli_send_if(&plain, right, "POST", body);
}

cli_exit run_instance_move(const cli_call *call)
{
	json_t *body = json_object();
	const char *to = cli_option_of(call, "to", 0);
	if (to != NULL)
		(void)json_object_set_new(body, "host", json_string(to));
	return send_body(call, "POST", body);
}

cli_exit run_app_recovery(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_text(body, call, "recovery", "recovery", NULL) &&
	             cli_set_text(body, call, "on-return", "onReturn", NULL);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_reason(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_needed(call, "reason") && cli_set_text(body, call, "reason", "reason", NULL);
	return cli_send_if(call, right, "POST", body);
}

/* The body of one drain; NULL after an error. `with`: the other machines of a plan. */
static json_t *drain_body(const cli_call *call, bool plan, size_t at)
{
	json_t *body = json_object(), *with = json_array();
	const char *parallel = cli_option_of(call, "parallel", 0);
	const char *deadline = cli_option_of(call, "deadline", 0);
	(void)json_object_set_new(body, "dryRun", json_boolean(plan));
	(void)json_object_set_new(
	    body, "includePinned", json_boolean(cli_option_of(call, "include-pinned", 0) != NULL));
	for (size_t i = 0; plan && i < call->arg_count; i++)
		if (i != at)
			(void)json_array_append_new(with, json_string(call->args[i]));
	(void)json_object_set_new(body, "with", with);
	if (cli_set_number(body, "--parallel", "parallel", parallel != NULL ? parallel : "0") &&
	    cli_set_number(body, "--deadline", "deadlineSeconds", deadline != NULL ? deadline : "0"))
		return body;
	json_decref(body);
	return NULL;
}

static void print_plan(const json_t *plan)
{
	size_t at;
	const json_t *move;
	printf("%lld instances would move, %lld would stay\n",
	    (long long)json_integer_value(json_object_get(plan, "moves")),
	    (long long)json_integer_value(json_object_get(plan, "stays")));
	json_array_foreach(json_object_get(plan, "instances"), at, move)
	{
		const char *to = json_string_value(json_object_get(move, "to"));
		bool keeps = json_is_true(json_object_get(move, "keepsAddress"));
		printf("%-32s %-16s -> %-16s %s\n", json_string_value(json_object_get(move, "instance")),
		    json_string_value(json_object_get(move, "from")), to != NULL ? to : "(stays)",
		    to == NULL ? json_string_value(json_object_get(move, "why"))
		    : keeps    ? "keeps its address"
		               : "gets another address");
	}
}

/* Takes the body; NULL was told. */
static cli_exit send_moves(const cli_call *call, size_t at, json_t *body)
{
	return cli_send_planned(call, body != NULL, "POST", at, body, print_plan);
}

cli_exit run_host_drain(const cli_call *call)
{
	cli_exit result = CLI_OK;
	if (cli_option_of(call, "plan", 0) != NULL)
		return send_moves(call, 0, drain_body(call, true, 0));
	for (size_t i = 0; i < call->arg_count && result == CLI_OK; i++)
		result = send_moves(call, i, drain_body(call, false, i));
	return result;
}

cli_exit run_host_maintenance(const cli_call *call)
{
	bool is_rack = cli_option_of(call, "rack", 0) != NULL;
	json_t *body = json_object();
	bool right = cli_set_texts(body, call, "window", "windows");
	char *path =
	    cli_path(is_rack ? "/v1/racks/%s/maintenance" : call->command->path, call->args, 1);
	cli_request q = {.method = "PUT", .path = path, .json = body};
	cli_reply reply = {0};
	cli_exit result = right ? cli_send(call, &q, &reply) : CLI_USAGE;
	if (result == CLI_OK)
		result = cli_accepted(call, reply.json);
	cli_reply_clear(&reply);
	json_decref(body);
	free(path);
	return result;
}

cli_exit run_host_evacuate(const cli_call *call)
{
	bool all = cli_option_of(call, "include-pinned", 0) != NULL;
	bool plan = cli_option_of(call, "plan", 0) != NULL;
	return send_moves(call, 0, json_pack("{s:b, s:b}", "includePinned", all, "dryRun", plan));
}

cli_exit run_group_set(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_text(body, call, "environment", "environment", NULL);
	return cli_send_if(call, right, "PUT", body);
}

cli_exit run_group_move(const cli_call *call)
{
	json_t *body = json_pack("{s:[]}", "instances");
	for (size_t i = 2; i < call->arg_count; i++)
		(void)json_array_append_new(json_object_get(body, "instances"), json_string(call->args[i]));
	return cli_send_if(call, true, "POST", body);
}
