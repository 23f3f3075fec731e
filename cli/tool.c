#include "tool.h"

#include "cli.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

extern char **environ;

/* ---- programs ---- */

static void drain(int fd, sot_buf *out)
{
	char piece[4096];
	ssize_t n;
	while ((n = read(fd, piece, sizeof(piece))) > 0 || (n < 0 && errno == EINTR)) {
		size_t room = out->max - out->n;
		if (n > 0)
			sot_buf_add(out, piece, (size_t)n < room ? (size_t)n : room);
	}
}

static int start(const char *const *argv, const char *stdin_file, int out, pid_t *ret)
{
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	int failed = posix_spawn_file_actions_addopen(
	    &actions, STDIN_FILENO, stdin_file != NULL ? stdin_file : "/dev/null", O_RDONLY, 0);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(&actions, out, STDERR_FILENO);
	if (failed == 0)
		failed = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (failed == 0)
		failed =
		    posix_spawnp(ret, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return failed;
}

bool tool_run(const char *const *argv, const char *stdin_file, sot_buf *out, int *ret_status)
{
	int ends[2] = {-1, -1}, status = 0, failed;
	pid_t pid;
	if (out != NULL && pipe2(ends, O_CLOEXEC) != 0) {
		cli_say("error: %s: %s", argv[0], strerror(errno));
		return false;
	}
	failed = start(argv, stdin_file, out != NULL ? ends[1] : STDERR_FILENO, &pid);
	if (out != NULL)
		(void)close(ends[1]);
	if (failed == 0 && out != NULL)
		drain(ends[0], out);
	if (out != NULL)
		(void)close(ends[0]);
	if (failed != 0) {
		cli_say("error: %s: %s; is it installed and in PATH?", argv[0], strerror(failed));
		return false;
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return true;
}

/* ---- the registry ---- */

static bool take(char *dst, size_t size, const char *from, size_t n)
{
	if (n == 0 || n >= size)
		return false;
	memcpy(dst, from, n);
	dst[n] = '\0';
	return true;
}

bool tool_reference_parse(const char *text, tool_reference *ret)
{
	const char *slash = strchr(text, '/'), *colon = strrchr(text, ':');
	return slash != NULL && colon != NULL && colon > slash &&
	       take(ret->registry, sizeof(ret->registry), text, (size_t)(slash - text)) &&
	       take(ret->repository, sizeof(ret->repository), slash + 1, (size_t)(colon - slash) - 1) &&
	       take(ret->tag, sizeof(ret->tag), colon + 1, strlen(colon + 1));
}

static size_t on_header(char *line, size_t size, size_t n, void *self)
{
	static const char name[] = "docker-content-digest:";
	char *digest = self;
	size_t total = size * n, at = sizeof(name) - 1;
	if (total <= at || strncasecmp(line, name, at) != 0)
		return total;
	while (at < total && line[at] == ' ')
		at++;
	size_t length = total - at;
	while (length > 0 && isspace((unsigned char)line[at + length - 1]))
		length--;
	if (length == 71)
		(void)take(digest, 72, line + at, length);
	return total;
}

static size_t ignore_body(char *data, size_t size, size_t n, void *self)
{
	(void)data;
	(void)self;
	return size * n;
}

/* The status of the answer; 0, and the reason said, when there is none. */
static long call_registry(const tool_reference *r, bool plain, const char *method,
    const char *manifest, char ret_digest[static 72])
{
	char url[512], error[CURL_ERROR_SIZE] = "";
	bool local = strncmp(r->registry, "127.", 4) == 0 || strncmp(r->registry, "localhost", 9) == 0;
	struct curl_slist *headers =
	    curl_slist_append(NULL, "Accept: application/vnd.docker.distribution.manifest.v2+json, "
	                            "application/vnd.oci.image.manifest.v1+json");
	CURL *curl = curl_easy_init();
	long status = 0;
	(void)snprintf(url, sizeof(url), "%s://%s/v2/%s/manifests/%s",
	    plain || local ? "http" : "https", r->registry, r->repository, manifest);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
	(void)curl_easy_setopt(curl, CURLOPT_NOBODY, strcmp(method, "HEAD") == 0 ? 1L : 0L);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 30000L);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	(void)curl_easy_setopt(curl, CURLOPT_HEADERDATA, ret_digest);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
	if (curl_easy_perform(curl) == CURLE_OK)
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	else
		cli_say("error: %s: %s", url, error[0] != '\0' ? error : "no answer");
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return status;
}

registry_answer registry_digest(const tool_reference *r, bool plain, char ret_digest[static 72])
{
	ret_digest[0] = '\0';
	long status = call_registry(r, plain, "HEAD", r->tag, ret_digest);
	if (status == 404)
		return REGISTRY_ABSENT;
	if (status == 200 && ret_digest[0] != '\0')
		return REGISTRY_THERE;
	if (status != 0)
		cli_say("error: registry %s tells no digest of %s:%s (status %ld)", r->registry,
		    r->repository, r->tag, status);
	return REGISTRY_FAILED;
}

registry_answer registry_remove(const tool_reference *r, bool plain, const char *digest)
{
	char ignored[72] = "";
	long status = call_registry(r, plain, "DELETE", digest, ignored);
	if (status == 404)
		return REGISTRY_ABSENT;
	if (status == 202 || status == 200)
		return REGISTRY_THERE;
	if (status == 405)
		cli_say("error: registry %s removes nothing: set storage.delete.enabled in its "
		        "configuration and start it again",
		    r->registry);
	else if (status != 0)
		cli_say("error: registry %s does not remove %s@%s (status %ld)", r->registry, r->repository,
		    digest, status);
	return REGISTRY_FAILED;
}
