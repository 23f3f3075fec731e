#include "harness.h"

#include "sot_file.h"
#include "sot_parse.h"
#include "sot_proto.h"
#include "sot_rand.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void need(bool ok, const char *what, const sot_err *err)
{
	if (ok)
		return;
	(void)fprintf(stderr, "harness: %s: %s\n", what, err != NULL ? err->text : "failed");
	exit(99);
}

void harness_until(harness *h, const bool *flag)
{
	sot_mono deadline = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	while (!*flag) {
		reactor_turn(h->loop, 50);
		need(!sot_mono_reached(sot_mono_now(), deadline), "deadline", NULL);
	}
}

/* ---- the scheduler ---- */
static void answer_accepted(harness *h, const bus_peer *from, uint64_t request_id)
{
	struct sot_accepted m = {.request_id = request_id, .operation_id = h->operation_id};
	sot_buf frame;
	sot_err err = {0};
	m.resource_id = m.operation_id;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	need(sot_accepted_encode(&m, &frame, &err) == SOT_OK, "accepted", &err);
	(void)bus_send(h->scheduler, from, sot_buf_str(&frame), NULL);
	sot_buf_clear(&frame);
}

static void answer_refused(harness *h, const bus_peer *from, uint64_t request_id)
{
	struct sot_refused m = {.request_id = request_id,
	    .code = (sot_refusal)h->refuse_with,
	    .pointer = SOT_STR("/count"),
	    .text = SOT_STR("no host has 4 GiB left in zone a"),
	    .retry_after_ms = h->retry_after_ms};
	sot_buf frame;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	need(sot_refused_encode(&m, &frame, &err) == SOT_OK, "refused", &err);
	(void)bus_send(h->scheduler, from, sot_buf_str(&frame), NULL);
	sot_buf_clear(&frame);
}

static void answer_told(harness *h, const bus_peer *from, uint64_t request_id)
{
	struct sot_answer m = {request_id, SOT_STR("\"0123456789abcdef\""), sot_str_c(h->answer)};
	sot_buf frame;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	need(sot_answer_encode(&m, &frame, &err) == SOT_OK, "answer", &err);
	(void)bus_send(h->scheduler, from, sot_buf_str(&frame), NULL);
	sot_buf_clear(&frame);
}

static void answer_inside(harness *h, const bus_peer *from, uint64_t request_id)
{
	struct sot_inside m = {request_id, sot_str_c(h->answer)};
	sot_buf frame;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	need(sot_inside_encode(&m, &frame, &err) == SOT_OK, "inside", &err);
	(void)bus_send(h->scheduler, from, sot_buf_str(&frame), NULL);
	sot_buf_clear(&frame);
}

static void on_request(void *self, const bus_peer *from, sot_str frame)
{
	harness *h = self;
	sot_wire_head head = {0};
	need(sot_wire_peek(frame, &head, NULL) == SOT_OK, "a malformed request", NULL);
	h->asked++;
	sot_buf_reset(&h->last_frame);
	sot_buf_add_str(&h->last_frame, frame);
	if (h->silent)
		return;
	if (h->refuse_with >= 0)
		answer_refused(h, from, head.request_id);
	else if (h->answer != NULL && head.id == SOT_MSG_INSIDE_READ)
		answer_inside(h, from, head.request_id);
	else if (h->answer != NULL)
		answer_told(h, from, head.request_id);
	else
		answer_accepted(h, from, head.request_id);
}

/* ---- ipam ---- */
static sot_code encode_answer(harness *h, const sot_wire_head *head, sot_buf *frame, sot_err *err)
{
	struct sot_address_fixed fixed = {
	    .request_id = head->request_id, .address = sot_ip_from_v4(0x0a420005)};
	struct sot_import_done done = {.request_id = head->request_id, .import_id = h->import_id};
	struct sot_refused refused = {.request_id = head->request_id,
	    .code = (sot_refusal)h->refuse_with,
	    .pointer = SOT_STR("/gateway"),
	    .text = SOT_STR("the gateway 10.0.1.1 is not inside 10.0.0.0/24")};
	struct sot_accepted accepted = {.request_id = head->request_id, .resource_id = h->operation_id};
	if (h->refuse_with >= 0)
		return sot_refused_encode(&refused, frame, err);
	if (head->id == SOT_MSG_ADDRESS_FIX)
		return sot_address_fixed_encode(&fixed, frame, err);
	if (head->id == SOT_MSG_IMPORT_RUN)
		return sot_import_done_encode(&done, frame, err);
	return sot_accepted_encode(&accepted, frame, err);
}

static void on_ipam_request(void *self, const bus_peer *from, sot_str request)
{
	harness *h = self;
	sot_wire_head head = {0};
	sot_err err = {0};
	SOT_AUTO_BUF frame;
	need(sot_wire_peek(request, &head, NULL) == SOT_OK, "a malformed request", NULL);
	h->ipam_asked++;
	sot_buf_reset(&h->ipam_frame);
	sot_buf_add_str(&h->ipam_frame, request);
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	need(encode_answer(h, &head, &frame, &err) == SOT_OK, "an answer", &err);
	(void)bus_send(h->ipam, from, sot_buf_str(&frame), NULL);
}

/* ---- files, keys, programs ---- */
static void make_key(harness *h, const char *name, bus_keypair *ret)
{
	char path[160];
	sot_err err = {0};
	need(bus_keypair_make(ret, &err) == SOT_OK, "keypair", &err);
	(void)snprintf(path, sizeof(path), "%s/%s.key", h->dir, name);
	need(bus_keypair_save(path, ret, &err) == SOT_OK, path, &err);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", h->dir, name);
	need(sot_file_write(path, sot_str_c(ret->public_key), 0644, &err) == SOT_OK, path, &err);
}

typedef struct child {
	bool done;
	int status;
	char *out, *errors; /* errors may be NULL */
	size_t out_size;
} child;

static void on_child(void *self, const reactor_child_result *result)
{
	child *c = self;
	size_t n = result->out.n < c->out_size ? result->out.n : c->out_size - 1;
	c->done = true;
	c->status = result->exit_status;
	if (n > 0)
		memcpy(c->out, result->out.p, n);
	while (n > 0 && c->out[n - 1] == '\n')
		n--;
	c->out[n] = '\0';
	if (c->errors != NULL)
		(void)snprintf(c->errors, c->out_size, "%.*s", SOT_ARG(result->err_text));
	else if (result->exit_status != 0)
		(void)fprintf(stderr, "child: %.*s\n", SOT_ARG(result->err_text));
}

void harness_environment(const harness *h)
{
	char ca[96];
	(void)snprintf(ca, sizeof(ca), "%s/cert.pem", h->dir);
	(void)setenv("SOTALIA_URL", h->url, 1);
	(void)setenv("SOTALIA_TOKEN", h->token, 1);
	(void)setenv("SOTALIA_CA", ca, 1);
}

int harness_run(harness *h, const char *const *argv, char out[8192], char errors[8192])
{
	child c = {.out = out, .errors = errors, .out_size = 8192};
	sot_err err = {0};
	out[0] = errors[0] = '\0';
	need(reactor_spawn(h->loop, argv, (const char *const *)environ, (sot_str){0}, 65536, 20000,
	         on_child, &c, &err) == SOT_OK,
	    argv[0], &err);
	harness_until(h, &c.done);
	return c.status;
}

static void run_program(
    harness *h, const char *const *argv, sot_str input, char *out, size_t out_size)
{
	child c = {.out = out, .out_size = out_size};
	sot_err err = {0};
	need(reactor_spawn(h->loop, argv, (const char *const *)environ, input, 65536, 20000, on_child,
	         &c, &err) == SOT_OK,
	    argv[0], &err);
	harness_until(h, &c.done);
	need(c.status == 0, argv[0], NULL);
}

void harness_sql(harness *h, const char *user, const char *sql, char ret[4096])
{
	const char *argv[] = {"/usr/bin/psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h",
	    getenv("SOT_PG_DIR"), "-U", user, "-d", "sotalia", "-c", sql, NULL};
	run_program(h, argv, (sot_str){0}, ret, 4096);
}

static char *option(const char *fmt, ...) SOT_PRINTF(1, 2);
static char *option(const char *fmt, ...)
{
	char text[600];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	return sot_strdup(text);
}

#define OPTIONS_MAX 28
static size_t gateway_argv(harness *h, const char **argv)
{
	size_t n = 0;
	argv[n++] = option("%s", GATEWAY_PROGRAM);
	argv[n++] = option("--listen=127.0.0.1:0");
	argv[n++] = option("--database=host=%s dbname=sotalia user=sot_gateway", getenv("SOT_PG_DIR"));
	argv[n++] = option("--keys_dir=%s", h->dir);
	argv[n++] = option("--scheduler_requests=%s", bus_server_endpoint(h->scheduler));
	argv[n++] = option("--scheduler_hints=ipc://%s/hints", h->dir);
	argv[n++] = option("--ipam_requests=ipc://%s/ipam", h->dir);
	argv[n++] = option("--ipam_hints=ipc://%s/ipam-hints", h->dir);
	argv[n++] = option("--events_endpoint=ipc://%s/events", h->dir);
	argv[n++] = option("--replay_endpoint=ipc://%s/replay", h->dir);
	argv[n++] = option("--drain_notice_ms=0");
	argv[n++] = option("--webhook_give_up_s=1");
	argv[n++] = option("--agents_endpoint=ipc://%s/agents", h->dir);
	argv[n++] = option("--blobs_dir=%s/blobs", h->dir);
	argv[n++] = option("--ssh_dir=%s/ssh", h->dir);
	argv[n++] = option("--ui_dir=%s/ui", h->dir);
	argv[n++] = option("--openapi_file=%s/openapi.json", GATEWAY_SOURCE_DIR);
	argv[n++] = option("--request_deadline_ms=2000");
	argv[n++] = h->tls ? option("--tls_cert=%s/cert.pem", h->dir) : option("--tls_cert=");
	argv[n++] = h->tls ? option("--tls_key=%s/key.pem", h->dir) : option("--tls_key=");
	argv[n++] = option("--calls_per_second=%d", h->calls_per_second);
	argv[n++] = option("--address_calls_per_second=0");
	if (h->head_deadline_ms > 0)
		argv[n++] = option("--head_deadline_ms=%d", h->head_deadline_ms);
	if (h->s3_url != NULL) {
		argv[n++] = option("--s3_url=%s", h->s3_url);
		argv[n++] = option("--s3_region=%s", h->s3_region);
		argv[n++] = option("--s3_keys=%s", h->s3_keys);
	}
	argv[n] = NULL;
	return n;
}

static void free_argv(const char **argv)
{
	for (size_t i = 0; argv[i] != NULL; i++)
		free((char *)(uintptr_t)argv[i]);
}

static void admin(harness *h, const char *const *extra, const char *input, char *out, size_t size)
{
	const char *argv[OPTIONS_MAX + 8];
	size_t n = gateway_argv(h, argv), begin = n;
	for (size_t i = 0; extra[i] != NULL; i++)
		argv[n++] = extra[i];
	argv[n] = NULL;
	run_program(h, argv, sot_str_c(input), out, size);
	argv[begin] = NULL;
	free_argv(argv);
}

/* The address is in the log line "service.up". */
static bool find_address(harness *h)
{
	sot_buf text;
	const char *at;
	sot_str rest;
	sot_buf_init(&text, 1024 * 1024);
	if (sot_file_read(h->log_path, &text, NULL) != SOT_OK) {
		sot_buf_clear(&text);
		return false;
	}
	at = text.n > 0 ? strstr(text.p, "listen=") : NULL;
	if (at != NULL) {
		sot_str address = sot_str_cut(sot_str_c(at + 7), ' ', &rest);
		need(sot_str_copy(address, h->address, sizeof(h->address), NULL) == SOT_OK, "log", NULL);
		(void)snprintf(h->url, sizeof(h->url), "%s://%s", h->tls ? "https" : "http", h->address);
	}
	sot_buf_clear(&text);
	return at != NULL;
}

/* A process that dies with its parent, also when a test fails and does not stop it. */
static pid_t spawn(const char *const *argv, const char *log_path)
{
	int log = open(log_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	pid_t parent = getpid(), pid = fork();
	need(log >= 0 && pid >= 0, "fork", NULL);
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent && dup2(log, 2) == 2)
			(void)execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	(void)close(log);
	return pid;
}

void harness_spawn_gateway(harness *h, const char *failpoints)
{
	const char *argv[OPTIONS_MAX + 1];
	sot_mono deadline = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	(void)gateway_argv(h, argv);
	if (failpoints != NULL)
		(void)setenv("SOT_FAILPOINTS", failpoints, 1);
	else
		(void)unsetenv("SOT_FAILPOINTS");
	(void)unlink(h->log_path);
	h->gateway_pid = spawn(argv, h->log_path);
	(void)unsetenv("SOT_FAILPOINTS");
	free_argv(argv);
	while (!find_address(h)) {
		reactor_turn(h->loop, 20);
		need(!sot_mono_reached(sot_mono_now(), deadline), "the gateway does not come up", NULL);
	}
	/* Ready: the database, the scheduler and the first reading of events. */
	while (harness_call(h, "GET", "/v1/events/stream?after=bad", NULL, (sot_str){0})->status != 400)
		need(!sot_mono_reached(sot_mono_now(), deadline), "the gateway is not ready", NULL);
}

static void make_ui(harness *h)
{
	char path[160];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/ui/assets", h->dir);
	need(sot_mkdirs(path, 0755, &err) == SOT_OK, path, &err);
	(void)snprintf(path, sizeof(path), "%s/ui/index.html", h->dir);
	need(sot_file_write(path, SOT_STR("<!doctype html><title>ui</title>"), 0644, &err) == SOT_OK,
	    path, &err);
	(void)snprintf(path, sizeof(path), "%s/ui/assets/app-1a2b.js", h->dir);
	need(sot_file_write(path, SOT_STR("console.log(1)"), 0644, &err) == SOT_OK, path, &err);
	(void)snprintf(path, sizeof(path), "%s/ui/assets/app-1a2b.js.gz", h->dir);
	need(sot_file_write(path, SOT_STR("packed by the build"), 0644, &err) == SOT_OK, path, &err);
}

static void make_certificate(harness *h)
{
	char cert[96], key[96], out[256];
	const char *argv[] = {"/usr/bin/openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
	    "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=sotalia", "-addext",
	    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert, NULL};
	(void)snprintf(cert, sizeof(cert), "%s/cert.pem", h->dir);
	(void)snprintf(key, sizeof(key), "%s/key.pem", h->dir);
	run_program(h, argv, (sot_str){0}, out, sizeof(out));
}

void harness_start(harness *h, const char *failpoints, bool tls)
{
	bus_keypair gateway, scheduler, ipam;
	char endpoint[128], out[256], none[4096];
	const char *account[] = {"--add-account", "ada", "admin", NULL};
	const char *token[] = {"--add-token", "ada", NULL}, *authorities[] = {"--make-ssh-ca", NULL};
	sot_err err = {0};
	*h = (harness){.refuse_with = -1, .tls = tls};
	need(getenv("SOT_PG_DIR") != NULL, "run this under tests/pg.sh run", NULL);
	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/sotalia-gateway.XXXXXX");
	need(mkdtemp(h->dir) != NULL, h->dir, NULL);
	(void)snprintf(h->log_path, sizeof(h->log_path), "%s/gateway.log", h->dir);
	sot_buf_init(&h->last_frame, SOT_WIRE_FRAME_MAX);
	sot_buf_init(&h->ipam_frame, SOT_WIRE_FRAME_MAX);
	sot_rand_bytes(h->operation_id.b, sizeof(h->operation_id.b));
	make_key(h, "api-gateway", &gateway);
	make_key(h, "scheduler", &scheduler);
	make_key(h, "ipam", &ipam);
	make_ui(h);
	need(reactor_new(&h->loop, &err) == SOT_OK, "reactor", &err);
	need(bus_new(h->loop, &scheduler, &h->bus, &err) == SOT_OK, "bus", &err);
	need(bus_allow_services(h->bus, h->dir, &err) == SOT_OK, "keys", &err);
	(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/scheduler", h->dir);
	need(bus_listen(h->bus, "requests", endpoint, on_request, h, &h->scheduler, &err) == SOT_OK,
	    endpoint, &err);
	need(bus_new(h->loop, &ipam, &h->ipam_bus, &err) == SOT_OK, "bus", &err);
	need(bus_allow_services(h->ipam_bus, h->dir, &err) == SOT_OK, "keys", &err);
	(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/ipam", h->dir);
	need(
	    bus_listen(h->ipam_bus, "requests", endpoint, on_ipam_request, h, &h->ipam, &err) == SOT_OK,
	    endpoint, &err);
	if (tls)
		make_certificate(h);
	need(http_client_new(h->loop, &h->http, &err) == SOT_OK, "http", &err);
	harness_sql(h, "sot_ipam",
	    "WITH v AS (INSERT INTO ipam.vlan (id, name, vlan_id) VALUES (gen_random_uuid(), 'apps', "
	    "66)"
	    " RETURNING id) INSERT INTO ipam.subnet (id, vlan, cidr, first, last) SELECT "
	    "gen_random_uuid(), id, '10.66.0.0/24', '10.66.0.1', '10.66.0.254' FROM v",
	    none);
	admin(h, account, "correct horse battery\n", out, sizeof(out));
	admin(h, token, "", h->token, sizeof(h->token));
	admin(h, authorities, "", out, sizeof(out));
	harness_spawn_gateway(h, failpoints);
}

void harness_account(harness *h, const char *name, const char *role, char ret_token[128])
{
	const char *account[] = {"--add-account", name, role, NULL};
	const char *token[] = {"--add-token", name, NULL};
	char out[256];
	admin(h, account, "correct horse battery\n", out, sizeof(out));
	admin(h, token, "", ret_token, 128);
}

void harness_remove_account(harness *h, const char *name)
{
	const char *removal[] = {"--remove-account", name, NULL};
	char out[256];
	admin(h, removal, "", out, sizeof(out));
}

int harness_wait_exit(harness *h)
{
	int status = 0;
	need(waitpid(h->gateway_pid, &status, 0) == h->gateway_pid, "waitpid", NULL);
	h->gateway_pid = 0;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

void harness_stop_gateway(harness *h)
{
	(void)kill(h->gateway_pid, SIGTERM);
	need(harness_wait_exit(h) == 0, "the gateway did not end with 0", NULL);
}

void harness_stop(harness *h)
{
	const char *rm[] = {"/bin/rm", "-rf", h->dir, NULL};
	char out[16];
	if (h->gateway_pid > 0)
		harness_stop_gateway(h);
	run_program(h, rm, (sot_str){0}, out, sizeof(out));
	h->http = http_client_free(h->http);
	h->scheduler = bus_server_free(h->scheduler);
	h->bus = bus_free(h->bus);
	h->ipam = bus_server_free(h->ipam);
	h->ipam_bus = bus_free(h->ipam_bus);
	h->loop = reactor_free(h->loop);
	sot_buf_clear(&h->last_frame);
	sot_buf_clear(&h->ipam_frame);
}

/* ---- HTTP ---- */
static void on_reply(void *self, const http_reply *reply)
{
	answer *a = self;
	a->done = true;
	a->code = reply->code;
	a->status = reply->status;
	sot_buf_reset(&a->body);
	sot_buf_add_str(&a->body, reply->body);
}

const answer *harness_call(
    harness *h, const char *method, const char *path, const char *const *extra, sot_str body)
{
	static answer a;
	char url[512], authorization[200], ca[96];
	const char *headers[12] = {authorization, "Expect:"};
	size_t n = 2;
	sot_err err = {0};
	http_request q = {.method = method,
	    .url = url,
	    .headers = headers,
	    .body = body,
	    .deadline_ms = HARNESS_DEADLINE_MS,
	    .body_max = 16u * 1024 * 1024,
	    .output_fd = -1,
	    .netns_fd = -1};
	sot_buf_clear(&a.body);
	a = (answer){0};
	sot_buf_init(&a.body, 16u * 1024 * 1024);
	(void)snprintf(ca, sizeof(ca), "%s/cert.pem", h->dir);
	if (h->tls)
		q.ca_file = ca;
	(void)snprintf(url, sizeof(url), "%s%s", h->url, path);
	(void)snprintf(authorization, sizeof(authorization),
	    h->token[0] != '\0' ? "Authorization: Bearer %s" : "Authorization:%s", h->token);
	for (size_t i = 0; extra != NULL && extra[i] != NULL && n < 11; i++)
		headers[n++] = extra[i];
	need(http_client_send(h->http, &q, on_reply, &a, NULL, &err) == SOT_OK, url, &err);
	harness_until(h, &a.done);
	return &a;
}

bool answer_has(const answer *a, const char *text)
{
	if (a->body.n > 0 && strstr(a->body.p, text) != NULL)
		return true;
	(void)printf("status %d, body: %.*s\n", a->status, 400, a->body.n > 0 ? a->body.p : "");
	return false;
}

int harness_connect(harness *h)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	sot_str port_text;
	uint64_t port = 0;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)sot_str_cut(sot_str_c(h->address), ':', &port_text);
	need(sot_parse_u64(port_text, 1, 65535, &port, NULL) == SOT_OK, "port", NULL);
	to.sin_port = htons((uint16_t)port);
	need(fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "connect", NULL);
	return fd;
}

void harness_say(harness *h, int fd, sot_str bytes, char ret[2048])
{
	size_t n = 0;
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), HARNESS_DEADLINE_MS);
	need(write(fd, bytes.p, bytes.n) == (ssize_t)bytes.n, "write", NULL);
	while (n < 2000 && !sot_mono_reached(sot_mono_now(), limit)) {
		reactor_turn(h->loop, 20); /* the others answer the gateway meanwhile */
		ssize_t got = recv(fd, ret + n, 2000 - n, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK))
			break;
		n += got > 0 ? (size_t)got : 0;
	}
	ret[n] = '\0';
	(void)close(fd);
}

void harness_raw(harness *h, sot_str bytes, char ret[2048])
{
	harness_say(h, harness_connect(h), bytes, ret);
}

void harness_add_app(harness *h, const char *name)
{
	char sql[600], none[4096];
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO scheduler.image (name, reference) VALUES ('tomcat', 'a/b:1') ON CONFLICT DO "
	    "NOTHING; INSERT INTO scheduler.app (id, name, image, plan, vlan, health, created_at, "
	    "updated_at) VALUES (gen_random_uuid(), '%s', 'tomcat', 'small', 'apps', '{}', now(), "
	    "now())",
	    name);
	harness_sql(h, "sot_scheduler", sql, none);
}
