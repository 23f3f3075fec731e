/* Building and testing of images, on a machine with Docker: build, push, make known, smoke test.
 *
 * A folder of an image holds a Dockerfile, `image.json` ({"parent", "ownerDev", "ownerOps"}),
 * `CHANGELOG.md` (its first "## VERSION" section is the version's) and `smoke`, a shell script that
 * a container of the image runs without a network: it passes with 0.
 */
#include "image.h"
#include "tool.h"

#include "sot_file.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 1024, TEXT_MAX = 4000, ARGV_MAX = 64 };

static bool read_text(const char *folder, const char *name, sot_buf *out)
{
	char path[PATH_SIZE];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%.900s/%s", folder, name);
	if (sot_file_read(path, out, &err) == SOT_OK)
		return true;
	cli_say("error: %s", err.text);
	return false;
}

/* UTF-8 without control characters, at most TEXT_MAX bytes of its end. */
static json_t *clean_text(const char *text, size_t n)
{
	size_t from = n > TEXT_MAX ? n - TEXT_MAX : 0, length = n - from;
	char copy[TEXT_MAX + 1] = "";
	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[from + i];
		copy[i] = (char)((c < 0x20 && c != '\n' && c != '\t') || c == 0x7f ? '?' : c);
	}
	json_t *json = json_stringn(copy, length);
	for (size_t i = 0; json == NULL && i < length; i++)
		copy[i] = (char)((unsigned char)copy[i] >= 0x80 ? '?' : copy[i]);
	return json != NULL ? json : json_stringn(copy, length);
}

/* ---- the smoke test ---- */

/* Tells the outcome to the catalogue; CLI_FAILED when the test failed. */
static cli_exit tell_outcome(
    const cli_call *call, const char *name, const char *version, bool passed, const sot_buf *report)
{
	const char *args[] = {name, version};
	json_t *body = json_pack("{s:b, s:o}", "passed", (int)passed, "report",
	    clean_text(report->p != NULL ? report->p : "", report->n));
	cli_call one = *call;
	one.idempotency_key = NULL;
	cli_exit result =
	    image_send(&one, "POST", body, NULL, "/v1/images/%s/versions/%s/test", args, 2);
	json_decref(body);
	if (result == CLI_OK)
		cli_say("smoke test of %s %s %s", name, version, passed ? "passed" : "FAILED");
	return result == CLI_OK && !passed ? CLI_FAILED : result;
}

static cli_exit smoke_test(const cli_call *call, const char *name, const char *version,
    const char *reference, const char *script)
{
	const char *const argv[] = {"docker", "run", "--rm", "-i", "--network", "none", "--entrypoint",
	    "/bin/sh", reference, "-s", NULL};
	int status;
	SOT_AUTO_BUF report;
	sot_buf_init(&report, 64 * 1024);
	if (access(script, R_OK) != 0) {
		cli_say("error: %s: no smoke test can be read there", script);
		return CLI_USAGE;
	}
	if (!tool_run(argv, script, &report, &status))
		return CLI_FAILED;
	cli_say("%.*s", (int)report.n, report.p != NULL ? report.p : "");
	if (status == 125) {
		cli_say("error: docker made no container of %s: nothing was tested", reference);
		return CLI_FAILED;
	}
	return tell_outcome(call, name, version, status == 0, &report);
}

cli_exit run_image_test(const cli_call *call)
{
	const char *outcome = cli_option_of(call, "outcome", 0),
	           *script = cli_option_of(call, "smoke", 0);
	const char *file = cli_option_of(call, "report", 0);
	json_t *image = NULL;
	sot_err err = {0};
	if ((outcome == NULL) == (script == NULL)) {
		cli_say("error: give --smoke=FILE to test it here, or --outcome=passed|failed of a test "
		        "elsewhere");
		return CLI_USAGE;
	}
	if (outcome != NULL && strcmp(outcome, "passed") != 0 && strcmp(outcome, "failed") != 0) {
		cli_say("error: --outcome='%s': passed or failed", outcome);
		return CLI_USAGE;
	}
	if (outcome != NULL) {
		SOT_AUTO_BUF report;
		sot_buf_init(&report, 1024 * 1024);
		if (file != NULL && sot_file_read(file, &report, &err) != SOT_OK) {
			cli_say("error: %s", err.text);
			return CLI_USAGE;
		}
		return tell_outcome(
		    call, call->args[0], call->args[1], strcmp(outcome, "passed") == 0, &report);
	}
	cli_exit result = image_send(call, "GET", NULL, &image, "/v1/images/%s", call->args, 1);
	const json_t *v = image_version_of(image, call->args[1]);
	if (result == CLI_OK && v == NULL) {
		cli_say("error: image '%s' has no version '%s'", call->args[0], call->args[1]);
		result = CLI_NOT_FOUND;
	}
	if (result == CLI_OK)
		result =
		    smoke_test(call, call->args[0], call->args[1], cli_text_at(v, "reference"), script);
	json_decref(image);
	return result;
}

/* ---- build ---- */

typedef struct build {
	const cli_call *call;
	const char *name, *folder;
	char version[65], reference[256], digest[72], parent[300];
	json_t *about; /* image.json */
	json_t *changelog;
} build;

/* "## 1.2 what is new\n..." up to the next "## "; the word behind the marks is the version. */
static bool first_section(build *b, const char *text)
{
	const char *from = strncmp(text, "## ", 3) == 0 ? text : strstr(text, "\n## ");
	const char *given = cli_option_of(b->call, "version", 0);
	if (from == NULL) {
		cli_say("error: %s/CHANGELOG.md has no section '## VERSION'", b->folder);
		return false;
	}
	from += *from == '\n' ? 4 : 3;
	const char *end = strstr(from, "\n## ");
	size_t length = end != NULL ? (size_t)(end - from) : strlen(from),
	       word = strcspn(from, " \t\n");
	(void)snprintf(b->version, sizeof(b->version), "%.*s", (int)(word < 64 ? word : 64), from);
	if (given != NULL)
		(void)snprintf(b->version, sizeof(b->version), "%.64s", given);
	b->changelog = clean_text(from, length < TEXT_MAX ? length : TEXT_MAX);
	return true;
}

static bool read_folder(build *b)
{
	json_error_t error;
	SOT_AUTO_BUF about;
	SOT_AUTO_BUF changes;
	sot_buf_init(&about, 65536);
	sot_buf_init(&changes, 1024 * 1024);
	if (!read_text(b->folder, "image.json", &about) ||
	    !read_text(b->folder, "CHANGELOG.md", &changes))
		return false;
	b->about = json_loadb(about.p != NULL ? about.p : "", about.n, 0, &error);
	if (!json_is_object(b->about)) {
		cli_say("error: %s/image.json line %d: %s", b->folder, error.line, error.text);
		return false;
	}
	sot_buf_add_char(&changes, '\0');
	return first_section(b, changes.p);
}

/* Tags are never pushed twice once the catalogue knows them. */
static cli_exit check_version(const build *b)
{
	json_t *list = NULL, *image = NULL;
	cli_exit result = image_send(b->call, "GET", NULL, &list, "/v1/images?limit=500", NULL, 0);
	const json_t *items = json_object_get(list, "items");
	for (size_t i = 0; i < json_array_size(items) && result == CLI_OK && image == NULL; i++) {
		if (strcmp(cli_text_at(json_array_get(items, i), "name"), b->name) == 0)
			result = image_send(b->call, "GET", NULL, &image, "/v1/images/%s", &b->name, 1);
	}
	if (image_version_of(image, b->version) != NULL) {
		cli_say(
		    "error: image '%s' has a version '%s'; versions never change: begin a new section in "
		    "CHANGELOG.md, or give --version",
		    b->name, b->version);
		result = CLI_CONFLICT;
	}
	json_decref(image);
	json_decref(list);
	return result;
}

/* What it builds on, as the catalogue knows it now: a rebuild of the parent reaches it that way. */
static cli_exit find_parent(build *b)
{
	const char *parent = cli_text_at(b->about, "parent");
	json_t *image = NULL;
	b->parent[0] = '\0';
	if (parent[0] == '\0')
		return CLI_OK;
	cli_exit result = image_send(b->call, "GET", NULL, &image, "/v1/images/%s", &parent, 1);
	if (result == CLI_OK && cli_text_at(image, "reference")[0] == '\0') {
		cli_say("error: image '%s', its parent, has no promoted version", parent);
		result = CLI_CONFLICT;
	}
	if (result == CLI_OK)
		(void)snprintf(b->parent, sizeof(b->parent), "PARENT=%s", cli_text_at(image, "reference"));
	json_decref(image);
	return result;
}

static bool docker(const char *what, const char *const *argv)
{
	int status;
	if (!tool_run(argv, NULL, NULL, &status))
		return false;
	if (status != 0)
		cli_say("error: docker %s ended with %d", what, status);
	return status == 0;
}

static bool build_it(const build *b)
{
	char label[100], version[100];
	const char *argv[ARGV_MAX] = {
	    "docker", "build", "--label", label, "--label", version, "-t", b->reference};
	size_t n = 8;
	(void)snprintf(label, sizeof(label), "sot.image=%s", b->name);
	(void)snprintf(version, sizeof(version), "sot.version=%s", b->version);
	if (b->parent[0] != '\0') {
		argv[n++] = "--build-arg";
		argv[n++] = b->parent;
	}
	for (size_t i = 0; cli_option_of(b->call, "build-arg", i) != NULL && n < ARGV_MAX - 6; i++) {
		argv[n++] = "--build-arg";
		argv[n++] = cli_option_of(b->call, "build-arg", i);
	}
	if (cli_option_of(b->call, "network", 0) != NULL) {
		argv[n++] = "--network";
		argv[n++] = cli_option_of(b->call, "network", 0);
	}
	argv[n++] = b->folder;
	return docker("build", argv);
}

/* Pushes it and reads the digest that the registry gave it. */
static bool push_it(build *b)
{
	const char *const push[] = {"docker", "push", b->reference, NULL};
	tool_reference r;
	if (!docker("push", push) || !tool_reference_parse(b->reference, &r))
		return false;
	return registry_digest(&r, cli_option_of(b->call, "plain-http", 0) != NULL, b->digest) ==
	       REGISTRY_THERE;
}

static cli_exit make_known(const build *b)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:O, s:s, s:s}", "version", b->version, "reference",
	    b->reference, "digest", b->digest, "changelog", b->changelog, "ownerDev",
	    cli_text_at(b->about, "ownerDev"), "ownerOps", cli_text_at(b->about, "ownerOps"));
	cli_exit result =
	    image_send(b->call, "POST", body, NULL, "/v1/images/%s/versions", &b->name, 1);
	json_decref(body);
	return result;
}

static cli_exit run_build(build *b)
{
	char script[PATH_SIZE];
	tool_reference r;
	cli_exit result;
	if (!cli_needed(b->call, "registry") || !read_folder(b))
		return CLI_USAGE;
	(void)snprintf(b->reference, sizeof(b->reference), "%.120s/%.60s:%s",
	    cli_option_of(b->call, "registry", 0), b->name, b->version);
	if (!tool_reference_parse(b->reference, &r)) {
		cli_say("error: '%s' is no reference; write --registry=host:5000/folder", b->reference);
		return CLI_USAGE;
	}
	result = check_version(b);
	if (result == CLI_OK)
		result = find_parent(b);
	if (result == CLI_OK && (!build_it(b) || !push_it(b)))
		result = CLI_FAILED;
	if (result == CLI_OK)
		result = make_known(b);
	if (result != CLI_OK)
		return result;
	printf("%s %s %s\n", b->name, b->version, b->digest);
	(void)fflush(stdout);
	(void)snprintf(script, sizeof(script), "%.900s/smoke", b->folder);
	return smoke_test(b->call, b->name, b->version, b->reference, script);
}

cli_exit run_image_build(const cli_call *call)
{
	build b = {.call = call, .name = call->args[0], .folder = call->args[1]};
	cli_exit result = run_build(&b);
	json_decref(b.about);
	json_decref(b.changelog);
	return result;
}

cli_exit image_prune_builder(void)
{
	static const char *const argv[] = {"docker", "image", "prune", "--force", "--filter",
	    "dangling=true", "--filter", "label=sot.image", "--filter", "until=24h", NULL};
	return docker("image prune", argv) ? CLI_OK : CLI_FAILED;
}
