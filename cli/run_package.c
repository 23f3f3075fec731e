/* Packages: uploads that go on where they were cut, keys of signatures. */
#include "cli.h"

#include "tool.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TRIES_MAX = 12,
	PAUSE_MS = 500,
	PAUSE_MAX_MS = 15000,
	BLOCK = 256 * 1024,
	TEXT_MAX = 8192,
	COMMIT_MAX = 64
};

typedef struct upload {
	const cli_call *call;
	const char *file, *file_name;
	int64_t bytes, offset;
	char sha256[65];
	char id[65];         /* of the upload at the gateway; "": none yet */
	char note[PATH_MAX]; /* file that remembers it for the next run; "": nowhere to keep it */
	unsigned tries;      /* without a byte of progress */
} upload;

/* ---- the file ---- */
static bool hash_file(upload *u)
{
	crypto_hash_sha256_state state;
	unsigned char digest[crypto_hash_sha256_BYTES], *block = sot_alloc(BLOCK);
	int fd = open(u->file, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n = -1;
	(void)crypto_hash_sha256_init(&state);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		while ((n = read(fd, block, BLOCK)) > 0) {
			(void)crypto_hash_sha256_update(&state, block, (unsigned long long)n);
			u->bytes += n;
		}
	}
	if (n < 0)
		cli_say("error: %s cannot be read: %s", u->file,
		    fd >= 0 && errno == 0 ? "it is no regular file" : strerror(errno));
	(void)crypto_hash_sha256_final(&state, digest);
	sot_hex_encode(digest, sizeof(digest), u->sha256);
	if (fd >= 0)
		(void)close(fd);
	free(block);
	if (n == 0 && u->bytes == 0)
		cli_say("error: %s is empty; a package has at least one byte", u->file);
	return n == 0 && u->bytes > 0;
}

/* Where the next run of the same command finds this upload: one file per file and platform. */
static void name_note(upload *u)
{
	const char *home = getenv("HOME"), *state = getenv("XDG_STATE_HOME");
	unsigned char digest[crypto_hash_sha256_BYTES];
	char key[2 * 8 + 1], folder[PATH_MAX - 64];
	crypto_hash_sha256_state hash;
	(void)crypto_hash_sha256_init(&hash);
	(void)crypto_hash_sha256_update(
	    &hash, (const unsigned char *)u->call->url, strlen(u->call->url));
	(void)crypto_hash_sha256_update(&hash, (const unsigned char *)u->sha256, strlen(u->sha256));
	(void)crypto_hash_sha256_final(&hash, digest);
	sot_hex_encode(digest, 8, key);
	if (state != NULL && state[0] == '/')
		(void)snprintf(folder, sizeof(folder), "%s/sotalia/uploads", state);
	else if (home != NULL && home[0] == '/')
		(void)snprintf(folder, sizeof(folder), "%s/.local/state/sotalia/uploads", home);
	else
		return;
	if (sot_mkdirs(folder, 0700, &(sot_err){0}) == SOT_OK)
		(void)snprintf(u->note, sizeof(u->note), "%s/%s", folder, key);
}

static void read_note(upload *u)
{
	SOT_AUTO_BUF text;
	sot_str id;
	sot_buf_init(&text, TEXT_MAX);
	if (u->note[0] == '\0' || sot_file_read(u->note, &text, &(sot_err){0}) != SOT_OK)
		return;
	id = sot_str_cut(sot_buf_str(&text), '\n', &(sot_str){0});
	if (id.n > 0 && id.n < sizeof(u->id))
		(void)snprintf(u->id, sizeof(u->id), "%.*s", SOT_ARG(id));
}

static void write_note(const upload *u)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "%s\n", u->id);
	if (u->note[0] != '\0')
		(void)!sot_file_write(u->note, (sot_str){text, (size_t)n}, 0600, &(sot_err){0});
}

/* ---- the transfer ---- */
/* What may pass by itself: the network, a gateway that restarts, another request that is dying. */
static bool may_pass(cli_exit result, int status)
{
	return result == CLI_UNREACHABLE || status == 409 || status == 423 || status == 429 ||
	       status >= 500;
}

static cli_exit begin(upload *u)
{
	char length[64];
	const char *headers[] = {length, NULL};
	cli_request q = {.method = "POST", .path = "/v1/uploads", .headers = headers};
	cli_reply reply;
	cli_exit result;
	(void)snprintf(length, sizeof(length), "Upload-Length: %lld", (long long)u->bytes);
	result = cli_send(u->call, &q, &reply);
	if (result == CLI_OK) {
		(void)snprintf(u->id, sizeof(u->id), "%.64s", cli_text_at(reply.json, "id"));
		write_note(u);
	}
	u->offset = 0;
	cli_reply_clear(&reply);
	return result;
}

/* Asks how far it is. An upload that is not there any more is begun again. */
static cli_exit find_offset(upload *u, int *ret_status)
{
	char path[128];
	cli_request q = {.method = "GET", .path = path, .quiet = true};
	cli_reply reply;
	cli_exit result;
	(void)snprintf(path, sizeof(path), "/v1/uploads/%s", u->id);
	result = cli_send(u->call, &q, &reply);
	*ret_status = reply.status;
	if (result == CLI_OK) {
		int64_t offset = json_integer_value(cli_at(reply.json, "offsetBytes"));
		int64_t length = json_integer_value(cli_at(reply.json, "lengthBytes"));
		if (offset > u->offset)
			u->tries = 0;
		u->offset = offset;
		if (length != u->bytes)
			result = CLI_NOT_FOUND;
	}
	if (result != CLI_OK && !may_pass(result, reply.status) && result != CLI_NOT_FOUND &&
	    result != CLI_DETACHED)
		result = cli_explain(u->call, &reply);
	cli_reply_clear(&reply);
	return result == CLI_NOT_FOUND ? begin(u) : result;
}

static cli_exit send_rest(upload *u, int *ret_status)
{
	char path[128], offset[64];
	const char *headers[] = {offset, "Tus-Resumable: 1.0.0", NULL};
	cli_request q = {.method = "PATCH",
	    .path = path,
	    .file = u->file,
	    .file_offset = u->offset,
	    .file_type = "application/offset+octet-stream",
	    .headers = headers,
	    .quiet = true};
	cli_reply reply;
	cli_exit result;
	(void)snprintf(path, sizeof(path), "/v1/uploads/%s", u->id);
	(void)snprintf(offset, sizeof(offset), "Upload-Offset: %lld", (long long)u->offset);
	result = cli_send(u->call, &q, &reply);
	*ret_status = reply.status;
	if (result == CLI_OK)
		u->offset = u->bytes;
	else if (result != CLI_DETACHED && !may_pass(result, reply.status))
		result = cli_explain(u->call, &reply);
	cli_reply_clear(&reply);
	return result;
}

static cli_exit pause_before_try(upload *u)
{
	int64_t ms = PAUSE_MS << (u->tries < 5 ? u->tries : 5);
	u->tries++;
	if (u->tries > TRIES_MAX) {
		cli_say("error: unreachable: %s did not take one more byte in %d tries", u->call->url,
		    TRIES_MAX);
		cli_say("  try: the same command again; it goes on at byte %lld", (long long)u->offset);
		return CLI_UNREACHABLE;
	}
	(void)poll(NULL, 0, (int)(ms < PAUSE_MAX_MS ? ms : PAUSE_MAX_MS));
	return cli_interrupted() ? CLI_DETACHED : CLI_OK;
}

static cli_exit transfer(upload *u)
{
	cli_exit result = u->id[0] != '\0' ? CLI_OK : begin(u);
	bool is_known = u->id[0] == '\0'; /* where it is */
	while (result == CLI_OK) {
		int status = 0;
		result = find_offset(u, &status);
		if (result == CLI_OK && !is_known && u->offset > 0)
			cli_say("goes on at byte %lld of %lld", (long long)u->offset, (long long)u->bytes);
		is_known = true;
		if (result == CLI_OK && u->offset < u->bytes)
			result = send_rest(u, &status);
		if (result == CLI_OK)
			return CLI_OK;
		if (!may_pass(result, status))
			break;
		is_known = false;
		result = pause_before_try(u);
	}
	if (result == CLI_DETACHED)
		cli_say("stopped; the same command goes on with it");
	return result;
}

/* ---- the version ---- */
static bool add_signature(const cli_call *call, json_t *body)
{
	const char *file = cli_option_of(call, "signature", 0);
	SOT_AUTO_BUF text;
	sot_err err = {0};
	json_t *value;
	sot_buf_init(&text, TEXT_MAX);
	if (file == NULL)
		return true;
	if (sot_file_read(file, &text, &err) != SOT_OK) {
		cli_say("error: --signature: %s", err.text);
		return false;
	}
	value = json_stringn(text.p, text.n);
	if (value != NULL && json_object_set_new(body, "signature", value) == 0)
		return true;
	cli_say("error: --signature: %s is no text", file);
	return false;
}

/* Of the git work tree that the file lies in, with "-dirty" when something was changed in it since.
 * Nothing when it lies in none, or there is no git: `env` says so by its status, and not to people.
 */
static void find_commit(const upload *u, char ret[static COMMIT_MAX + 1])
{
	char folder[PATH_MAX];
	const char *argv[] = {"env", "git", "-c", "core.fsmonitor=false", "-C", folder, "describe",
	    "--always", "--dirty", "--exclude=*", "--abbrev=40", NULL};
	int status = 0, n = (int)(u->file_name - u->file);
	SOT_AUTO_BUF out;
	sot_str line;
	sot_buf_init(&out, TEXT_MAX);
	ret[0] = '\0';
	(void)snprintf(folder, sizeof(folder), "%.*s", n > 0 ? n : 1, n > 0 ? u->file : ".");
	if (!tool_run(argv, NULL, &out, &status) || status != 0)
		return;
	line = sot_str_cut(sot_buf_str(&out), '\n', &(sot_str){0});
	if (line.n < 40 || line.n > COMMIT_MAX)
		return;
	(void)snprintf(ret, COMMIT_MAX + 1, "%.*s", SOT_ARG(line));
	cli_say("commit %s, of the work tree that the file lies in", ret);
}

static bool add_commit(const upload *u, json_t *body)
{
	char found[COMMIT_MAX + 1];
	if (cli_option_of(u->call, "commit", 0) != NULL)
		return cli_set_text(body, u->call, "commit", "commit", NULL);
	find_commit(u, found);
	return found[0] == '\0' || json_object_set_new(body, "commit", json_string(found)) == 0;
}

static json_t *version_body(const upload *u)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "version", u->call->args[1], "upload", u->id,
	    "fileName", u->file_name, "sha256", u->sha256);
	if (body != NULL && cli_set_text(body, u->call, "kind", "kind", NULL) && add_commit(u, body) &&
	    cli_set_text(body, u->call, "source", "source", NULL) && add_signature(u->call, body))
		return body;
	json_decref(body);
	return NULL;
}

/* What was registered is kept; the upload's own copy of it goes now instead of when it expires. */
static void end_upload(const upload *u)
{
	char path[128];
	cli_request q = {.method = "DELETE", .path = path, .quiet = true};
	cli_reply reply;
	(void)snprintf(path, sizeof(path), "/v1/uploads/%s", u->id);
	(void)cli_send(u->call, &q, &reply);
	cli_reply_clear(&reply);
	if (u->note[0] != '\0')
		(void)unlink(u->note);
}

static cli_exit register_version(const upload *u)
{
	char *path = cli_path(u->call->command->path, u->call->args, 1);
	json_t *body = version_body(u);
	cli_request q = {.method = "POST", .path = path, .json = body};
	cli_reply reply = {0};
	cli_exit result = body != NULL ? cli_send(u->call, &q, &reply) : CLI_USAGE;
	if (result == CLI_OK) {
		end_upload(u);
		result = cli_accepted(u->call, reply.json);
	}
	cli_reply_clear(&reply);
	json_decref(body);
	free(path);
	return result;
}

cli_exit run_package_upload(const cli_call *call)
{
	const char *file = call->args[2], *slash = strrchr(file, '/');
	upload u = {.call = call, .file = file, .file_name = slash != NULL ? slash + 1 : file};
	cli_exit result;
	errno = 0;
	if (!hash_file(&u))
		return CLI_USAGE;
	name_note(&u);
	read_note(&u);
	cli_catch_interrupts();
	result = transfer(&u);
	return result == CLI_OK ? register_version(&u) : result;
}

cli_exit run_middleware_upload(const cli_call *call)
{
	return cli_needed(call, "kind") ? run_package_upload(call) : CLI_USAGE;
}

/* ---- signatures ---- */
cli_exit run_signing_key_add(const cli_call *call)
{
	SOT_AUTO_BUF text;
	sot_err err = {0};
	json_t *body = json_object();
	bool right;
	sot_buf_init(&text, TEXT_MAX);
	if (sot_file_read(call->args[0], &text, &err) != SOT_OK)
		cli_say("error: %s", err.text);
	right = text.n > 0 &&
	        json_object_set_new(body, "publicKey", json_stringn(text.p, text.n)) == 0 &&
	        cli_set_text(body, call, "app", "app", NULL) &&
	        cli_set_text(body, call, "comment", "comment", NULL);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_app_signing(const cli_call *call)
{
	return cli_send_if(call, true, "PUT", json_pack("{s:s}", "policy", call->args[1]));
}
