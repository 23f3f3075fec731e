/* `sotalia apply`: apps as their manifests say, and `sotalia app manifest`. */
#include "apply.h"
#include "cli.h"

#include "sot_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST_MAX (1u << 20)

/* ---- one change ---- */
static cli_exit send(
    const cli_call *call, const char *method, const char *name, const char *tail, json_t *body)
{
	char path[200];
	cli_request q = {.method = method, .path = path, .json = body};
	cli_reply reply;
	cli_exit result;
	(void)snprintf(
	    path, sizeof(path), "/v1/apps%s%.100s%s", name[0] != '\0' ? "/" : "", name, tail);
	result = cli_send(call, &q, &reply);
	if (result == CLI_OK)
		result = cli_accepted(call, reply.json);
	cli_reply_clear(&reply);
	json_decref(body);
	return result;
}

static bool names_field(const json_t *changes, const char *field)
{
	for (size_t i = 0; i < json_array_size(changes); i++)
		if (strcmp(cli_text_at(json_array_get(changes, i), "field"), field) == 0)
			return true;
	return false;
}

static json_t *body_with(const json_t *manifest, const char *field, bool with_strategy)
{
	json_t *body = json_object(), *strategy = json_object_get(manifest, "strategy");
	(void)json_object_set(body, field, json_object_get(manifest, field));
	if (with_strategy && strategy != NULL)
		(void)json_object_set(body, "strategy", strategy);
	return body;
}

/* The members that PUT and POST ask for together. */
static json_t *recovery_body(const json_t *manifest, const json_t *app)
{
	static const char *const names[] = {"recovery", "onReturn"};
	json_t *body = json_object();
	for (size_t i = 0; i < 2; i++) {
		json_t *value = json_object_get(manifest, names[i]);
		(void)json_object_set(
		    body, names[i], value != NULL ? value : json_object_get(app, names[i]));
	}
	return body;
}

/* Operations of one app are carried out one after another, in the order of their coming. */
static cli_exit change(
    const cli_call *call, const json_t *manifest, const json_t *app, const json_t *changes)
{
	const char *name = cli_text_at(manifest, "name");
	cli_exit result = CLI_OK;
	if (names_field(changes, "team") || names_field(changes, "placement"))
		result = send(call, "PUT", name, "", apply_update_body(manifest, app));
	if (result == CLI_OK && (names_field(changes, "recovery") || names_field(changes, "onReturn")))
		result = send(call, "POST", name, "/recovery", recovery_body(manifest, app));
	if (result == CLI_OK && names_field(changes, "plan"))
		result = send(call, "POST", name, "/resize", body_with(manifest, "plan", true));
	if (result == CLI_OK && names_field(changes, "version"))
		result = send(call, "POST", name, "/deploy", body_with(manifest, "version", true));
	if (result == CLI_OK && names_field(changes, "count"))
		result = send(call, "POST", name, "/scale", body_with(manifest, "count", false));
	return result;
}

static cli_exit create(const cli_call *call, const json_t *manifest)
{
	cli_exit result = send(call, "POST", "", "", apply_create_body(manifest));
	if (result == CLI_OK && (json_object_get(manifest, "recovery") != NULL ||
	                            json_object_get(manifest, "onReturn") != NULL))
		result = send(call, "POST", cli_text_at(manifest, "name"), "/recovery",
		    recovery_body(manifest, manifest));
	return result;
}

/* ---- what would change ---- */
static void print_value(const char *sign, const char *field, const json_t *value)
{
	char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
	printf("  %s %-10s %s\n", sign, field, text != NULL ? text : json_string_value(value));
	free(text);
}

static void print_changes(const char *name, const json_t *changes)
{
	printf("app %s%s\n", name, json_array_size(changes) == 0 ? ": nothing to change" : "");
	for (size_t i = 0; i < json_array_size(changes); i++) {
		const json_t *one = json_array_get(changes, i);
		print_value("-", cli_text_at(one, "field"), cli_at(one, "now"));
		print_value("+", cli_text_at(one, "field"), cli_at(one, "wanted"));
	}
	(void)fflush(stdout);
}

static void print_new(const json_t *manifest)
{
	const char *field;
	json_t *value;
	printf("app %s, new\n", cli_text_at(manifest, "name"));
	json_object_foreach((json_t *)(uintptr_t)manifest, field, value)
	{
		if (strcmp(field, "name") != 0)
			print_value("+", field, value);
	}
	(void)fflush(stdout);
}

typedef struct apply {
	const cli_call *call;
	const char *file;
	bool is_dry, differs;
} apply;

static cli_exit say_wrong(const apply *a, const json_t *manifest, const sot_err *err)
{
	const char *name = cli_text_at(manifest, "name");
	cli_say("error: %s%s%s: %s", a->file, name[0] != '\0' ? ", app " : "", name, err->text);
	return err->code == SOT_CONFLICT ? CLI_CONFLICT : CLI_USAGE;
}

static cli_exit apply_one(apply *a, const json_t *manifest)
{
	const char *name = cli_text_at(manifest, "name");
	char *path = cli_path("/v1/apps/%s", &name, 1);
	cli_request q = {.method = "GET", .path = path, .quiet = true};
	cli_reply reply;
	json_t *changes = NULL;
	sot_err err = {0};
	cli_exit result = cli_send(a->call, &q, &reply);
	if (result == CLI_NOT_FOUND) {
		a->differs = true;
		print_new(manifest);
		result = a->is_dry ? CLI_OK : create(a->call, manifest);
	} else if (result != CLI_OK) {
		if (reply.status != 0)
			result = cli_explain(a->call, &reply);
	} else if (apply_diff(manifest, reply.json, &changes, &err) != SOT_OK) {
		result = say_wrong(a, manifest, &err);
	} else {
		a->differs = a->differs || json_array_size(changes) > 0;
		print_changes(name, changes);
		if (!a->is_dry)
			result = change(a->call, manifest, reply.json, changes);
	}
	json_decref(changes);
	cli_reply_clear(&reply);
	free(path);
	return result;
}

/* ---- files ---- */
static cli_exit read_manifests(const char *file, json_t **ret)
{
	SOT_AUTO_BUF text;
	sot_err err = {0};
	sot_buf_init(&text, MANIFEST_MAX);
	*ret = NULL;
	if (sot_file_read(strcmp(file, "-") == 0 ? "/dev/stdin" : file, &text, &err) != SOT_OK) {
		cli_say("error: %s", err.text);
		return CLI_USAGE;
	}
	*ret = cli_yaml_documents(sot_buf_str(&text), &err);
	if (*ret != NULL)
		return CLI_OK;
	cli_say("error: %s, %s", file, err.text);
	return CLI_USAGE;
}

/* All of a file is looked at before anything of it is done. */
static cli_exit apply_file(apply *a)
{
	json_t *all = NULL;
	sot_err err = {0};
	cli_exit result = read_manifests(a->file, &all);
	for (size_t i = 0; result == CLI_OK && i < json_array_size(all); i++)
		if (apply_check(json_array_get(all, i), &err) != SOT_OK)
			result = say_wrong(a, json_array_get(all, i), &err);
	for (size_t i = 0; result == CLI_OK && i < json_array_size(all); i++)
		result = apply_one(a, json_array_get(all, i));
	json_decref(all);
	return result;
}

cli_exit run_apply(const cli_call *call)
{
	apply a = {.call = call, .is_dry = cli_option_of(call, "dry-run", 0) != NULL};
	cli_exit result = CLI_OK;
	if (cli_option_of(call, "file", 0) == NULL) {
		cli_say("error: -f FILE is needed; - is stdin");
		return CLI_USAGE;
	}
	for (size_t i = 0; result == CLI_OK && cli_option_of(call, "file", i) != NULL; i++) {
		a.file = cli_option_of(call, "file", i);
		result = apply_file(&a);
	}
	if (result == CLI_OK && a.differs && cli_option_of(call, "detailed-exitcode", 0) != NULL)
		result = CLI_DIFFERS;
	return result;
}

cli_exit run_app_manifest(const cli_call *call)
{
	cli_call printed = *call;
	char *path = cli_path(call->command->path, call->args, call->arg_count);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (call->output != CLI_JSON)
		printed.output = CLI_YAML;
	if (result == CLI_OK) {
		json_t *manifest = apply_manifest_of(reply.json);
		cli_print_data(&printed, manifest);
		json_decref(manifest);
	}
	cli_reply_clear(&reply);
	free(path);
	return result;
}
