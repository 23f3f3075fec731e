/* Images: what the catalogue knows of them, and what is done with it over the API. Building and
 * testing are in run_image_build.c. */
#include "image.h"
#include "tool.h"

#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_S 86400

cli_exit image_send(const cli_call *call, const char *method, const json_t *body, json_t **ret,
    const char *pattern, const char *const *args, size_t count)
{
	char *path = cli_path(pattern, args, count);
	cli_request q = {.method = method, .path = path, .json = body};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (ret != NULL)
		*ret = result == CLI_OK ? json_incref(reply.json) : NULL;
	cli_reply_clear(&reply);
	free(path);
	return result;
}

const json_t *image_version_of(const json_t *image, const char *version)
{
	const json_t *versions = json_object_get(image, "versions");
	for (size_t i = 0; i < json_array_size(versions); i++) {
		const json_t *v = json_array_get(versions, i);
		if (strcmp(cli_text_at(v, "version"), version) == 0)
			return v;
	}
	return NULL;
}

/* ---- show ---- */

cli_exit run_image_show(const cli_call *call)
{
	static const cli_column columns[] = {{.title = "VERSION", .path = "version"},
	    {.title = "STATE", .path = "state"}, {.title = "CURRENT", .path = "current"},
	    {.title = "SMOKE", .path = "smoke"}, {.title = "INSTANCES", .path = "instances"},
	    {.title = "AGE", .path = "createdAt", .format = CLI_AGE},
	    {.title = "BY", .path = "createdBy"}, {.title = "DIGEST", .path = "digest", .wide = true},
	    {.title = "REFERENCE", .path = "reference", .wide = true}, {.title = NULL}};
	json_t *image = NULL, *versions;
	cli_exit result =
	    image_send(call, "GET", NULL, &image, call->command->path, call->args, call->arg_count);
	if (result != CLI_OK)
		return result;
	if (cli_is_data(call)) {
		cli_print_data(call, image);
	} else if (call->output == CLI_NAME) {
		printf("%s\n", cli_text_at(image, "name"));
	} else {
		SOT_AUTO_BUF text;
		sot_buf_init(&text, 16u * 1024 * 1024);
		versions = json_incref(json_object_get(image, "versions"));
		(void)json_object_del(image, "versions");
		cli_print_object(image);
		cli_table(columns, versions, call->output == CLI_WIDE, (int64_t)time(NULL), &text);
		if (json_array_size(versions) > 0)
			sot_buf_printf(&text, "\n%s: %s\n", cli_text_at(json_array_get(versions, 0), "version"),
			    cli_text_at(json_array_get(versions, 0), "changelog"));
		printf("\n");
		cli_print(&text);
		json_decref(versions);
	}
	json_decref(image);
	return CLI_OK;
}

/* ---- versions ---- */

cli_exit run_image_register(const cli_call *call)
{
	return cli_send_if(call, true, "POST",
	    json_pack("{s:s, s:s}", "name", call->args[0], "reference", call->args[1]));
}

cli_exit run_image_add(const cli_call *call)
{
	json_t *body = json_pack("{s:s, s:s}", "version", call->args[1], "reference", call->args[2]);
	bool right = cli_set_text(body, call, "digest", "digest", NULL) &&
	             cli_set_text(body, call, "changelog", "changelog", NULL) &&
	             cli_set_text(body, call, "owner-dev", "ownerDev", NULL) &&
	             cli_set_text(body, call, "owner-ops", "ownerOps", NULL);
	cli_call at = *call;
	at.arg_count = 1; /* the path has the image's name alone */
	return cli_send_if(&at, right, "POST", body);
}

/* ---- roll-out: app by app, each as a version ---- */

/* The apps with outdated instances, each once. */
static cli_exit outdated_apps(const cli_call *call, json_t *ret)
{
	char *name = cli_escape(call->args[0]), *after = strdup("");
	cli_exit result = CLI_OK;
	for (bool more = true; more && result == CLI_OK;) {
		json_t *page = NULL;
		char pattern[400];
		char *key = cli_escape(after);
		(void)snprintf(pattern, sizeof(pattern),
		    "/v1/images/%s/instances?outdated=true&limit=500%s%s", name,
		    after[0] != '\0' ? "&after=" : "", key);
		cli_request q = {.method = "GET", .path = pattern};
		cli_reply reply;
		result = cli_send(call, &q, &reply);
		page = json_incref(reply.json);
		cli_reply_clear(&reply);
		const json_t *items = json_object_get(page, "items");
		for (size_t i = 0; result == CLI_OK && i < json_array_size(items); i++)
			(void)json_object_set_new(
			    ret, cli_text_at(json_array_get(items, i), "app"), json_true());
		free(key);
		free(after);
		after = strdup(cli_text_at(page, "next"));
		more = after[0] != '\0';
		json_decref(page);
	}
	free(after);
	free(name);
	return result;
}

cli_exit run_image_rollout(const cli_call *call)
{
	json_t *apps = json_object(), *names = json_array();
	const char *app;
	json_t *seen;
	cli_exit result = outdated_apps(call, apps);
	if (result == CLI_OK && json_object_size(apps) == 0)
		cli_say("every instance runs the current version of '%s'", call->args[0]);
	json_object_foreach(apps, app, seen)
	{
		(void)json_array_append_new(names, json_string(app));
	}
	json_t *body = json_pack("{s:s, s:O}", "action", "rebuild", "apps", names);
	bool right =
	    cli_set_number(body, "--parallel", "parallel", cli_option_of(call, "parallel", 0)) &&
	    cli_set_number(
	        body, "--failures-max", "failuresMax", cli_option_of(call, "failures-max", 0));
	if (!right)
		result = CLI_USAGE;
	if (result == CLI_OK && json_array_size(names) > 0)
		result = cli_run_many(call, "rebuild", json_incref(body));
	json_decref(body);
	json_decref(names);
	json_decref(apps);
	return result;
}

/* ---- the registry's rubbish ---- */

typedef struct collector {
	const cli_call *call;
	bool dry, plain;
	int64_t before_unix; /* retired before it */
	size_t removed, kept;
} collector;

static bool is_old(const collector *c, const json_t *v)
{
	struct tm tm = {0};
	return strptime(cli_text_at(v, "retiredAt"), "%Y-%m-%dT%H:%M:%S", &tm) != NULL &&
	       (int64_t)timegm(&tm) <= c->before_unix;
}

/* Two versions may be the same bytes: a manifest goes with the last of them. False: unknown, so it
 * is kept too. */
static bool is_needed(
    const collector *c, const json_t *images, const tool_reference *r, const char *digest)
{
	for (size_t i = 0; i < json_array_size(images); i++) {
		const json_t *versions = json_object_get(json_array_get(images, i), "versions");
		for (size_t k = 0; k < json_array_size(versions); k++) {
			const json_t *v = json_array_get(versions, k);
			const char *state = cli_text_at(v, "state");
			tool_reference other;
			char there[72];
			if (strcmp(state, "retired") == 0 || strcmp(state, "removed") == 0 ||
			    !tool_reference_parse(cli_text_at(v, "reference"), &other) ||
			    strcmp(other.registry, r->registry) != 0 ||
			    strcmp(other.repository, r->repository) != 0)
				continue;
			registry_answer answer = registry_digest(&other, c->plain, there);
			if (answer == REGISTRY_FAILED ||
			    (answer == REGISTRY_THERE && strcmp(there, digest) == 0))
				return true;
		}
	}
	return false;
}

static cli_exit remove_version(
    collector *c, const json_t *images, const char *name, const json_t *v)
{
	const char *args[] = {name, cli_text_at(v, "version")};
	tool_reference r;
	char digest[72] = "";
	if (!tool_reference_parse(cli_text_at(v, "reference"), &r)) {
		cli_say("%s %s: '%s' names no registry and tag; left alone", name, args[1],
		    cli_text_at(v, "reference"));
		return CLI_OK;
	}
	registry_answer there = registry_digest(&r, c->plain, digest);
	if (there == REGISTRY_FAILED)
		return CLI_UNREACHABLE;
	if (there == REGISTRY_THERE && is_needed(c, images, &r, digest)) {
		cli_say("%s %s: another version is the same bytes; left alone", name, args[1]);
		c->kept++;
		return CLI_OK;
	}
	printf("%s %s %s\n", name, args[1], there == REGISTRY_THERE ? digest : "(gone already)");
	c->removed++;
	if (c->dry)
		return CLI_OK;
	if (there == REGISTRY_THERE && registry_remove(&r, c->plain, digest) == REGISTRY_FAILED)
		return CLI_UNREACHABLE;
	cli_call one = *c->call;
	one.idempotency_key = NULL;
	return image_send(&one, "DELETE", NULL, NULL, "/v1/images/%s/versions/%s", args, 2);
}

static cli_exit collect_image(collector *c, const json_t *images, const json_t *image)
{
	const json_t *versions = json_object_get(image, "versions");
	cli_exit result = CLI_OK;
	for (size_t k = 0; k < json_array_size(versions) && result == CLI_OK; k++) {
		const json_t *v = json_array_get(versions, k);
		if (strcmp(cli_text_at(v, "state"), "retired") == 0 && is_old(c, v))
			result = remove_version(c, images, cli_text_at(image, "name"), v);
	}
	return result;
}

static cli_exit read_images(const cli_call *call, json_t *ret)
{
	json_t *list = NULL;
	cli_exit result = image_send(call, "GET", NULL, &list, "/v1/images?limit=500", NULL, 0);
	const json_t *items = json_object_get(list, "items");
	if (result == CLI_OK && json_is_string(json_object_get(list, "next"))) {
		cli_say("error: more than 500 images; which bytes are needed cannot be told");
		result = CLI_FAILED;
	}
	for (size_t i = 0; i < json_array_size(items) && result == CLI_OK; i++) {
		const char *name = cli_text_at(json_array_get(items, i), "name");
		json_t *image = NULL;
		result = image_send(call, "GET", NULL, &image, "/v1/images/%s", &name, 1);
		if (image != NULL)
			(void)json_array_append_new(ret, image);
	}
	json_decref(list);
	return result;
}

cli_exit run_image_collect(const cli_call *call)
{
	const char *age = cli_option_of(call, "min-age", 0);
	int64_t days = 7;
	if (age != NULL && sot_parse_i64(sot_str_c(age), 0, 36500, &days, NULL) != SOT_OK) {
		cli_say("error: --min-age '%s' is no number of days", age);
		return CLI_USAGE;
	}
	collector c = {.call = call,
	    .dry = cli_option_of(call, "dry-run", 0) != NULL,
	    .plain = cli_option_of(call, "plain-http", 0) != NULL,
	    .before_unix = (int64_t)time(NULL) - days * DAY_S};
	json_t *images = json_array();
	cli_exit result = read_images(call, images);
	for (size_t i = 0; i < json_array_size(images) && result == CLI_OK; i++)
		result = collect_image(&c, images, json_array_get(images, i));
	if (result == CLI_OK && !c.dry && cli_option_of(call, "builder", 0) != NULL)
		result = image_prune_builder();
	if (result == CLI_OK)
		cli_say("%zu version%s %s, %zu left alone; the registry frees the bytes with its garbage "
		        "collection",
		    c.removed, c.removed == 1 ? "" : "s", c.dry ? "would be removed" : "removed", c.kept);
	json_decref(images);
	return result;
}
