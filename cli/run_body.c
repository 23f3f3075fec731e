/* Commands that send a body: JSON from options, or a file. */
#include "cli.h"

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
	if (result == CLI_OK)
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

cli_exit run_image_register(const cli_call *call)
{
	return send_body(
	    call, "POST", json_pack("{s:s, s:s}", "name", call->args[0], "reference", call->args[1]));
}

static bool set_health(json_t *body, const cli_call *call)
{
	json_t *health = json_object();
	(void)json_object_set_new(body, "health", health);
	return cli_set_text(health, call, "health", "kind", "none") &&
	       cli_set_number(health, "--port", "port", cli_option_of(call, "port", 0)) &&
	       cli_set_text(health, call, "health-path", "path", NULL);
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

cli_exit run_app_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "name", call->args[0]);
	const char *count = cli_option_of(call, "count", 0);
	bool right = cli_needed(call, "image") && cli_set_text(body, call, "image", "image", NULL) &&
	             cli_set_text(body, call, "vlan", "vlan", "default") &&
	             cli_set_text(body, call, "plan", "plan", "small") &&
	             cli_set_text(body, call, "version", "version", NULL) &&
	             cli_set_text(body, call, "command", "command", NULL) && set_health(body, call) &&
	             set_env(body, call) &&
	             cli_set_number(body, "--count", "count", count != NULL ? count : "1");
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_app_scale(const cli_call *call)
{
	json_t *body = json_object();
	return cli_send_if(call, cli_set_number(body, "COUNT", "count", call->args[1]), "POST", body);
}

cli_exit run_app_deploy(const cli_call *call)
{
	return send_body(call, "POST", json_pack("{s:s}", "version", call->args[1]));
}

cli_exit run_package_upload(const cli_call *call)
{
	const char *file = call->args[2], *slash = strrchr(file, '/');
	char *base = cli_escape(slash != NULL ? slash + 1 : file);
	char *path = cli_path(call->command->path, call->args, 2);
	cli_request q = {.method = "PUT", .file = file};
	cli_reply reply = {0};
	cli_exit result;
	sot_buf full;
	sot_buf_init(&full, 65536);
	sot_buf_printf(&full, "%s?file=%s", path, base);
	q.path = full.p;
	result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		result = cli_accepted(call, reply.json);
	cli_reply_clear(&reply);
	sot_buf_clear(&full);
	free(path);
	free(base);
	return result;
}
