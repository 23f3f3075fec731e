#include "enrol.h"

#include "agent.h"
#include "bus.h"
#include "sot_config.h"
#include "sot_file.h"
#include "sot_mem.h"
#include "sot_time.h"

#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KEY_PATH_MAX (SOT_CONFIG_VALUE_MAX + 32)

enum {
	ANSWER_BYTES_MAX = 65536,
	CALL_MS = 15000,
	CONNECT_MS = 5000,
	AGAIN_MS = 5000,
	WAIT_MS = 15 * 60 * 1000,
	TOKEN_N = 64,
	MACHINE_ID_N = 32,
};

typedef struct enrolment {
	const char *url, *token_file, *ca, *state_dir, *keys_dir;
	bool wants_new_key;
	char key_path[KEY_PATH_MAX]; /* of the pair that is shown */
	bus_keypair keys;
	char token[TOKEN_N + 1], machine_id[MACHINE_ID_N + 1];
} enrolment;

bool enrol_is_asked(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--enrol=", 8) == 0)
			return true;
	return false;
}

/* The first `n` bytes of a file, which must be all of its first line. */
static sot_code read_word(const char *path, char *ret, size_t n, sot_err *err)
{
	SOT_AUTO_BUF text;
	sot_str rest, line;
	sot_buf_init(&text, 4096);
	sot_code code = sot_file_read(path, &text, err);
	if (code != SOT_OK)
		return code;
	line = sot_str_cut(sot_buf_str(&text), '\n', &rest);
	if (line.n != n)
		return sot_fail(err, SOT_INVALID, "%s must hold one line of %zu characters", path, n);
	memcpy(ret, line.p, n);
	ret[n] = '\0';
	return SOT_OK;
}

static sot_code take_key(enrolment *e, sot_err *err)
{
	char secret[KEY_PATH_MAX + 8];
	(void)snprintf(e->key_path, sizeof(e->key_path), "%s/agent.key%s", e->state_dir,
	    e->wants_new_key ? ".new" : "");
	(void)snprintf(secret, sizeof(secret), "%s_secret", e->key_path);
	if (access(secret, F_OK) == 0)
		return bus_keypair_load(e->key_path, &e->keys, err);
	sot_code code = bus_keypair_make(&e->keys, err);
	return code == SOT_OK ? bus_keypair_save(e->key_path, &e->keys, err) : code;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *self)
{
	sot_buf_add(self, bytes, size * count);
	return sot_buf_failed(self) ? 0 : size * count;
}

/* One POST. SOT_UNAVAILABLE: it may be asked again. */
static sot_code ask(const enrolment *e, json_t **ret, sot_err *err)
{
	CURL *curl = curl_easy_init();
	char url[512], why[CURL_ERROR_SIZE] = "";
	long status = 0;
	json_t *body = json_pack("{s:s, s:s, s:s}", "token", e->token, "publicKey", e->keys.public_key,
	    "machineId", e->machine_id);
	char *text = json_dumps(body, JSON_COMPACT);
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	SOT_AUTO_BUF answer;
	sot_buf_init(&answer, ANSWER_BYTES_MAX);
	(void)snprintf(url, sizeof(url), "%s/v1/enrol", e->url);
	(void)curl_easy_setopt(curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
	(void)curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	(void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_MS);
	(void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	(void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	(void)curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	if (e->ca != NULL)
		(void)curl_easy_setopt(curl, CURLOPT_CAINFO, e->ca);
	CURLcode sent = curl_easy_perform(curl);
	(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	json_t *json = json_loadb(answer.n > 0 ? answer.p : "", answer.n, 0, NULL);
	const char *code_word = json_string_value(json_object_get(json, "code"));
	const char *detail = json_string_value(json_object_get(json, "detail"));
	sot_code code = SOT_OK;
	if (sent != CURLE_OK)
		code = sot_fail(err, SOT_UNAVAILABLE, "%s does not answer: %s", url,
		    why[0] != '\0' ? why : curl_easy_strerror(sent));
	else if (status >= 300)
		code = sot_fail(err,
		    status >= 500 || (code_word != NULL && strcmp(code_word, "pending") == 0)
		        ? SOT_UNAVAILABLE
		        : SOT_DENIED,
		    "%s", detail != NULL ? detail : "the gateway refused without a reason");
	else if (!json_is_string(json_object_get(json, "hostId")) ||
	         !json_is_string(json_object_get(json, "fetchToken")))
		code = sot_fail(err, SOT_INVALID, "the answer of %s has no host id and fetch token", url);
	if (code == SOT_OK)
		*ret = json_incref(json);
	json_decref(json);
	json_decref(body);
	free(text);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return code;
}

/* Until it is answered for good: approvals and gateways that restart take their time. */
static sot_code ask_until_answered(const enrolment *e, json_t **ret, sot_err *err)
{
	sot_mono begin = sot_mono_now();
	char said[SOT_ERR_TEXT_MAX] = "";
	sot_code code;
	while ((code = ask(e, ret, err)) == SOT_UNAVAILABLE &&
	       sot_mono_diff_ms(sot_mono_now(), begin) < WAIT_MS) {
		if (strcmp(said, err->text) != 0) {
			(void)fprintf(stderr, "waiting: %s\n", err->text);
			(void)snprintf(said, sizeof(said), "%s", err->text);
		}
		(void)poll(NULL, 0, AGAIN_MS);
	}
	return code;
}

static sot_code write_in(const char *dir, const char *name, const char *end, const char *text,
    unsigned mode, sot_err *err)
{
	char path[PATH_MAX];
	SOT_AUTO_BUF content, old;
	sot_buf_init(&content, 4096);
	sot_buf_init(&old, 4096);
	(void)snprintf(path, sizeof(path), "%s/%s%s", dir, name, end);
	sot_buf_printf(&content, "%s\n", text);
	if (sot_file_read(path, &old, NULL) == SOT_OK &&
	    sot_str_eq(sot_buf_str(&old), sot_buf_str(&content)))
		return SOT_OK;
	return sot_file_write(path, sot_buf_str(&content), mode, err);
}

static sot_code put_key_in_place(const enrolment *e, sot_err *err)
{
	char path[PATH_MAX], secret[PATH_MAX], new_secret[PATH_MAX];
	if (!e->wants_new_key)
		return SOT_OK;
	(void)snprintf(path, sizeof(path), "%s/agent.key", e->state_dir);
	(void)snprintf(secret, sizeof(secret), "%s/agent.key_secret", e->state_dir);
	(void)snprintf(new_secret, sizeof(new_secret), "%s/agent.key.new_secret", e->state_dir);
	if (rename(e->key_path, path) == 0 && rename(new_secret, secret) == 0)
		return SOT_OK;
	return sot_fail_errno(err, SOT_UNAVAILABLE, errno, "putting the new key to %s", path);
}

/* host.id comes last: with it the unit may start. */
static sot_code keep(const enrolment *e, json_t *answer, sot_err *err)
{
	const char *name;
	json_t *key;
	sot_code code = SOT_OK;
	json_object_foreach(json_object_get(answer, "serviceKeys"), name, key)
	{
		if (code == SOT_OK && json_is_string(key) && strchr(name, '/') == NULL)
			code = write_in(e->keys_dir, name, ".pub", json_string_value(key), 0644, err);
	}
	if (code == SOT_OK)
		code = write_in(e->state_dir, "fetch.token", "",
		    json_string_value(json_object_get(answer, "fetchToken")), 0400, err);
	if (code == SOT_OK)
		code = put_key_in_place(e, err);
	return code == SOT_OK ? write_in(e->state_dir, "host.id", "",
	                            json_string_value(json_object_get(answer, "hostId")), 0644, err)
	                      : code;
}

static sot_code enrol(enrolment *e, sot_err *err)
{
	json_t *answer = NULL;
	sot_code code = read_word(e->token_file, e->token, TOKEN_N, err);
	if (code == SOT_OK)
		code = read_word("/etc/machine-id", e->machine_id, MACHINE_ID_N, err);
	if (code == SOT_OK)
		code = sot_mkdirs(e->state_dir, 0711, err);
	if (code == SOT_OK)
		code = sot_mkdirs(e->keys_dir, 0755, err);
	if (code == SOT_OK)
		code = take_key(e, err);
	if (code == SOT_OK)
		code = ask_until_answered(e, &answer, err);
	if (code == SOT_OK)
		code = keep(e, answer, err);
	if (code == SOT_OK)
		printf("%s\n", json_string_value(json_object_get(answer, "hostId")));
	json_decref(answer);
	memset(&e->keys, 0, sizeof(e->keys));
	return code;
}

/* Takes the options that are ours out of argv; the rest is the agent's configuration. */
static void take_options(enrolment *e, int *argc, char **argv)
{
	int kept = 1;
	for (int i = 1; i < *argc; i++) {
		if (strncmp(argv[i], "--enrol=", 8) == 0)
			e->url = argv[i] + 8;
		else if (strncmp(argv[i], "--token=", 8) == 0)
			e->token_file = argv[i] + 8;
		else if (strncmp(argv[i], "--ca=", 5) == 0)
			e->ca = argv[i] + 5;
		else if (strcmp(argv[i], "--new-key") == 0)
			e->wants_new_key = true;
		else
			argv[kept++] = argv[i];
	}
	*argc = kept;
}

int enrol_main(int argc, char **argv)
{
	enrolment e = {0};
	static agent_config config;
	bool is_over = false;
	sot_err err = {0};
	take_options(&e, &argc, argv);
	if (e.token_file == NULL) {
		(void)fprintf(stderr,
		    "sotalia-hostagent: --enrol=URL needs --token=FILE, the file with the "
		    "one-time token of `sotalia host enrolment NAME`\n");
		return 2;
	}
	if (agent_config_load(argc, argv, &config, &is_over, &err) != SOT_OK) {
		(void)fprintf(stderr, "sotalia-hostagent: %s\n", err.text);
		return 2;
	}
	e.state_dir = config.state_dir;
	e.keys_dir = config.keys_dir;
	if (e.ca == NULL && config.gateway_ca[0] != '\0')
		e.ca = config.gateway_ca;
	if (enrol(&e, &err) == SOT_OK)
		return 0;
	(void)fprintf(stderr, "sotalia-hostagent: %s\n", err.text);
	return 1;
}
