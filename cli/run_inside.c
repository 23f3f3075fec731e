/* What a host's agent is asked to look at: `sotalia instance inside`, `sotalia host packages`. */
#include "cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_part(const cli_column *columns, const json_t *seen, const char *part,
    const char *total, sot_buf *out)
{
	const json_t *items = cli_at(seen, part);
	long long all = (long long)json_integer_value(cli_at(seen, total));
	cli_table(columns, items, false, 0, out);
	if (all > (long long)json_array_size(items))
		sot_buf_printf(out, "... %zu of %lld\n", json_array_size(items), all);
}

/* Asks; `print` makes a table of an answer that is not printed as data. */
static cli_exit look(const cli_call *call, void (*print)(const json_t *seen, sot_buf *out))
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4u << 20);
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, reply.json);
	} else if (result == CLI_OK) {
		print(reply.json, &text);
		cli_print(&text);
	}
	cli_reply_clear(&reply);
	free(path);
	return result;
}

static void print_inside(const json_t *seen, sot_buf *text)
{
	static const cli_column processes[] = {{.title = "PID", .path = "pid"},
	    {.title = "PARENT", .path = "parent"}, {.title = "UID", .path = "uid"},
	    {.title = "STATE", .path = "state"}, {.title = "THREADS", .path = "threads"},
	    {.title = "MEMORY", .path = "memoryRssBytes", .format = CLI_BYTES},
	    {.title = "CPU", .path = "cpuMs", .format = CLI_MS},
	    {.title = "COMMAND", .path = "command"}, {.title = NULL}};
	static const cli_column mounts[] = {{.title = "MOUNT", .path = "target"},
	    {.title = "TYPE", .path = "type"}, {.title = "SOURCE", .path = "source"},
	    {.title = "READ ONLY", .path = "readOnly"}, {.title = NULL}};
	add_part(processes, seen, "processes", "processesTotal", text);
	sot_buf_add_char(text, '\n');
	add_part(mounts, seen, "mounts", "mountsTotal", text);
}

cli_exit run_instance_inside(const cli_call *call)
{
	return look(call, print_inside);
}

/* ---- packages ---- */

/* "shop 2.0", "jdk 17.0.9 (middleware)"; of several with the same bytes all are named. */
static json_t *package_words(const json_t *package)
{
	SOT_AUTO_BUF words;
	size_t i;
	const json_t *v;
	sot_buf_init(&words, 64u << 10);
	json_array_foreach(cli_at(package, "versions"), i, v)
	{
		sot_buf_printf(&words, "%s%s %s%s", i > 0 ? ", " : "", cli_text_at(v, "name"),
		    cli_text_at(v, "version"),
		    strcmp(cli_text_at(v, "kind"), "middleware") == 0 ? " (middleware)" : "");
	}
	return words.n > 0 ? json_string(words.p) : json_string("unknown");
}

static json_t *removal_words(const json_t *package)
{
	const json_t *in = cli_at(package, "removableInSeconds");
	long long seconds = (long long)json_integer_value(in);
	char text[40];
	if (!json_is_integer(in))
		return json_string(json_is_true(cli_at(package, "needed")) ? "needed" : "kept");
	if (seconds == 0)
		return json_string("next run");
	(void)snprintf(text, sizeof(text), "in %lldh", (seconds + 3599) / 3600);
	return json_string(text);
}

static void print_packages(const json_t *seen, sot_buf *text)
{
	static const cli_column columns[] = {{.title = "PACKAGE", .path = "package"},
	    {.title = "SIZE", .path = "sizeBytes", .format = CLI_BYTES},
	    {.title = "INSTANCES", .path = "instancesTotal"}, {.title = "CLEAN-UP", .path = "removal"},
	    {.title = "SHA256", .path = "sha256"}, {.title = NULL}};
	json_t *shown = json_deep_copy(seen), *package;
	long long freed = 0;
	size_t i;
	json_array_foreach(json_object_get(shown, "items"), i, package)
	{
		(void)json_object_set_new(package, "package", package_words(package));
		(void)json_object_set_new(package, "removal", removal_words(package));
		if (json_is_integer(cli_at(package, "removableInSeconds")) &&
		    json_integer_value(cli_at(package, "removableInSeconds")) == 0)
			freed += (long long)json_integer_value(cli_at(package, "sizeBytes"));
	}
	add_part(columns, shown, "items", "total", text);
	sot_buf_printf(text, "clean-up (%s) would free %lld bytes with its next run\n",
	    cli_text_at(shown, "cleanup"), freed);
	json_decref(shown);
}

cli_exit run_host_packages(const cli_call *call)
{
	return look(call, print_packages);
}
