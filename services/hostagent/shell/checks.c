#include "checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check_output.h"
#include "exec_entry.h"
#include "inside.h"
#include "port_look.h"
#include "sot_map.h"
#include "sot_parse.h"

/* The way into the network of an instance (inside.h), kept from its first check to its end: to open
 * one costs as much as the look that it is for. */
typedef struct way {
	sot_uuid id;
	int pid, fd;
	int64_t started_unix_ms;
} way;

struct checks {
	agent *a;
	reactor_watch *timer;
	sot_link open; /* checks under way */
	sot_map *ways; /* instance id -> way */
};

typedef struct check {
	checks *c;
	sot_uuid id;
	uint64_t round;
	sot_mono begun;
	int64_t timeout_ms;
	int netns_fd; /* of an http check, which goes on with it */
	int fd;
	reactor_watch *watch, *deadline;
	exec_entry *entry; /* of a command */
	check_output output;
	bool is_told; /* the result is; what is left of the command is being ended */
	sot_link link;
} check;

static void check_free(check *k)
{
	reactor_remove(k->watch);
	reactor_remove(k->deadline);
	exec_entry_free(k->entry);
	if (k->fd >= 0)
		close(k->fd);
	if (k->netns_fd >= 0)
		close(k->netns_fd);
	sot_list_remove(&k->link);
	free(k);
}

/* An answer that changes nothing only lets the next check be planned: a turn of the crank looks at
 * every instance, and most answers are like the one before. */
/* status: NULL when it is well, else in one word what is wrong, for monitoring. */
static void tell(check *k, const char *status, const char *why)
{
	agent *a = k->c->a;
	bool ok = status == NULL;
	sot_mono now = sot_mono_now(); /* the turn's instant would hide what this turn took */
	instance *i = reconcile_find(a->reconcile, k->id);
	bool is_news = true;
	if (i) {
		sot_health before = instance_health_state(i);
		instance_set_health_error(i, ok ? "" : why);
		health *h = instance_health(i);
		int64_t took_ms = sot_mono_diff_ms(now, k->begun);
		if (health_result(h, &instance_want(i)->spec.health, k->round, ok, took_ms, now))
			health_keep_answer(h, status, took_ms, reactor_wall(a->loop));
		is_news = !ok || instance_health_state(i) != before;
	}
	if (is_news)
		agent_pump(a);
	else
		reactor_rearm_ms(k->c->timer, 0);
}

static void check_end(check *k, const char *status, const char *why)
{
	tell(k, status, why);
	check_free(k);
}

static void on_http(void *self, const http_reply *reply)
{
	char why[160], status[HEALTH_STATUS_MAX + 1];
	const check *k = self;
	bool ok = reply->code == SOT_OK && reply->status >= 200 && reply->status < 400;
	const char *text = reply->why ? reply->why->text : "no answer";
	if (reply->code == SOT_OK) {
		(void)snprintf(why, sizeof(why), "health check: status %d", reply->status);
		(void)snprintf(status, sizeof(status), "http-%d", reply->status);
	} else {
		bool in_time = sot_mono_diff_ms(sot_mono_now(), k->begun) < k->timeout_ms;
		(void)snprintf(why, sizeof(why), "health check: %.120s", text);
		(void)snprintf(status, sizeof(status), "%s",
		    !in_time                  ? "timeout"
		    : strstr(text, "refused") ? "refused"
		                              : "broken");
	}
	check_end(self, ok ? NULL : status, why);
}

static void tell_gone(check *k)
{
	check_end(k, "gone", "health check: the process is gone");
}

/* The status is the answer; a page of any length is read and forgotten, within the deadline. */
static void forget_body(void *self, sot_str piece)
{
	(void)self;
	(void)piece;
}

static void begin_http(check *k, int pid, const sot_instance_spec *spec)
{
	char url[320], address[16];
	sot_err err = {0};
	k->netns_fd = inside_open(pid);
	if (k->netns_fd < 0) {
		tell_gone(k);
		return;
	}
	static const char *const headers[] = {"User-Agent: sotalia-health", NULL};
	(void)snprintf(url, sizeof(url), "http://%s:%u%s%.*s",
	    sot_format_ipv4(sot_ip_v4(spec->address), address), spec->health.port,
	    sot_str_starts(spec->health.path, "/") ? "" : "/", SOT_ARG(spec->health.path));
	http_request q = {.method = "GET",
	    .url = url,
	    .headers = headers,
	    .deadline_ms = spec->health.timeout_ms,
	    .connect_deadline_ms = spec->health.timeout_ms,
	    .on_data = forget_body,
	    .output_fd = -1,
	    .netns_fd = k->netns_fd};
	if (http_client_send(k->c->a->http, &q, on_http, k, NULL, &err) != SOT_OK)
		check_end(k, "broken", err.text);
}

static void tell_connected(check *k, int why)
{
	check_end(k,
	    why == 0              ? NULL
	    : why == ECONNREFUSED ? "refused"
	                          : "unreachable",
	    why == ECONNREFUSED ? "health check: connection refused" : "health check: cannot connect");
}

static void on_connected(void *self, int fd, int events)
{
	int why = 0;
	socklen_t n = sizeof(why);
	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0)
		why = errno;
	tell_connected(self, why);
}

static void on_deadline(void *self, uint64_t missed)
{
	(void)missed;
	check_end(self, "timeout", "health check: no connection in time");
}

/* Inside of one network the answer is there when the first call returns; the second asks for it,
 * and only who takes longer is waited for. */
static void begin_connection(check *k, const sot_instance_spec *spec)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(spec->health.port),
	    .sin_addr.s_addr = htonl(sot_ip_v4(spec->address))};
	agent *a = k->c->a;
	int why = connect(k->fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
	if (why == EINPROGRESS)
		why = connect(k->fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? 0 : errno;
	if (why != EALREADY && why != EINPROGRESS) {
		tell_connected(k, why == EISCONN ? 0 : why);
		return;
	}
	k->watch = reactor_add_fd(a->loop, k->fd, REACTOR_WRITE, on_connected, k);
	k->deadline = reactor_after_ms(a->loop, spec->health.timeout_ms, on_deadline, k);
}

static void begin_tcp(check *k, const way *w, health *h, const sot_instance_spec *spec)
{
	bool will_a_look_do = health_look_will_do(h);
	if (will_a_look_do && port_look(w->fd, sot_ip_v4(spec->address), spec->health.port)) {
		check_end(k, NULL, "");
		return;
	}
	/* Where the process is no way, the namespace may be one. */
	k->fd = inside_socket(w->fd, AF_INET, SOCK_STREAM);
	int netns_fd = k->fd < 0 ? inside_open(w->pid) : -1;
	bool is_gone = k->fd < 0 && netns_fd < 0;
	if (netns_fd >= 0) {
		k->fd = inside_socket(netns_fd, AF_INET, SOCK_STREAM);
		close(netns_fd);
	}
	if (is_gone)
		tell_gone(k);
	else if (k->fd < 0)
		check_end(k, "broken", "health check: no socket in the instance's network");
	else
		begin_connection(k, spec);
}

/* ---- commands ---- */

static void send_frame(check *k, exec_kind kind, uint64_t number)
{
	uint8_t bytes[EXEC_FRAME_MAX];
	exec_frame f = {.kind = kind, .number = number};
	size_t n = exec_frame_write(&f, bytes);
	(void)exec_entry_send(k->entry, (sot_str){(const char *)bytes, n});
}

static void tell_command(check *k, const exec_frame *end)
{
	char why[CHECK_REASON_MAX], what[100], status[HEALTH_STATUS_MAX + 1] = "broken";
	if (end->reason == EXEC_EXITED) {
		(void)snprintf(what, sizeof(what), "health check: status %d", end->status);
		(void)snprintf(status, sizeof(status), "exit-%d", end->status);
	} else if (end->reason == EXEC_SIGNALLED) {
		(void)snprintf(what, sizeof(what), "health check: ended by signal %d", end->status);
		(void)snprintf(status, sizeof(status), "signal-%d", end->status);
	} else {
		(void)snprintf(
		    what, sizeof(what), "health check: %.*s", (int)end->n, (const char *)end->data);
	}
	check_output_reason(&k->output, what, why);
	k->is_told = true;
	tell(k, end->reason == EXEC_EXITED && end->status == 0 ? NULL : status, why);
}

static void on_command_frame(void *self, const exec_frame *f, sot_str bytes)
{
	check *k = self;
	(void)bytes;
	if (k->is_told)
		return;
	if (f->kind == EXEC_BEGUN) {
		send_frame(k, EXEC_INPUT_END, 0);
		send_frame(k, EXEC_CREDIT, EXEC_WINDOW);
	} else if (f->kind == EXEC_OUTPUT || f->kind == EXEC_ERROR_OUTPUT) {
		check_output_add(&k->output, f->data, f->n);
		send_frame(k, EXEC_CREDIT, 1);
	} else if (f->kind == EXEC_END) {
		tell_command(k, f);
	}
}

static void on_command_over(void *self)
{
	check *k = self;
	if (!k->is_told)
		tell(k, "broken", "health check: the instance ended the command");
	check_free(k);
}

/* The command and all that it started are ended; until they are, no other one begins. */
static void on_command_deadline(void *self, uint64_t missed)
{
	check *k = self;
	char why[CHECK_REASON_MAX];
	(void)missed;
	if (k->is_told)
		return;
	check_output_reason(&k->output, "health check: the command did not end in time", why);
	k->is_told = true;
	tell(k, "timeout", why);
	exec_entry_end(k->entry);
}

static bool is_command_left(const checks *c, sot_uuid id)
{
	for (const sot_link *l = c->open.next; l != &c->open; l = l->next) {
		const check *k = SOT_CONTAINER(l, check, link);
		if (k->entry && memcmp(k->id.b, id.b, sizeof(id.b)) == 0)
			return true;
	}
	return false;
}

static void begin_command(check *k, int pid, const sot_instance_spec *spec)
{
	static const exec_entry_events events = {
	    .on_frame = on_command_frame, .on_over = on_command_over};
	char command[EXEC_COMMAND_MAX + 1], why[CHECK_REASON_MAX];
	sot_err err = {0};
	exec_frame open = {.kind = EXEC_OPEN, .account = "app", .term = "", .command = command};
	reactor *loop = k->c->a->loop;
	if (is_command_left(k->c, k->id)) {
		check_end(k, "hangs", "health check: the command of before hangs still, no other is begun");
		return;
	}
	(void)snprintf(command, sizeof(command), "%.*s", SOT_ARG(spec->health.command));
	if (exec_entry_open(loop, pid, &open, &events, k, &k->entry, &err) == SOT_OK) {
		k->deadline = reactor_after_ms(loop, spec->health.timeout_ms, on_command_deadline, k);
		return;
	}
	(void)snprintf(why, sizeof(why), "health check: %.180s", err.text);
	check_end(k, "broken", why);
}

/* ---- ways ---- */

static way *way_free(way *w)
{
	if (w->fd >= 0)
		close(w->fd);
	free(w);
	return NULL;
}

/* Of this start: one of before led to another process. */
static const way *way_to(checks *c, const instance *i)
{
	const container_facts *container = instance_container(i);
	sot_uuid id = instance_want(i)->spec.instance_id;
	way *w = sot_map_get_uuid(c->ways, id);
	if (w && w->pid == container->pid && w->started_unix_ms == container->started_unix_ms)
		return w;
	if (w)
		way_free(w);
	w = sot_alloc(sizeof(*w));
	*w = (way){id, container->pid, inside_way(container->pid), container->started_unix_ms};
	(void)sot_map_set_uuid(c->ways, id, w);
	return w;
}

static void forget_ways(checks *c, bool all)
{
	sot_map_iter it = {0};
	for (way *w; (w = sot_map_next(c->ways, &it, NULL)) != NULL;)
		if (all || !reconcile_find(c->a->reconcile, w->id))
			way_free(sot_map_remove_uuid(c->ways, w->id));
}

static void begin_check(checks *c, instance *i)
{
	const sot_instance_spec *spec = &instance_want(i)->spec;
	check *k = sot_alloc(sizeof(*k));
	*k = (check){.c = c,
	    .id = spec->instance_id,
	    .round = instance_health(i)->round,
	    .begun = sot_mono_now(),
	    .timeout_ms = spec->health.timeout_ms,
	    .netns_fd = -1,
	    .fd = -1};
	sot_list_init(&k->link);
	sot_list_push(&c->open, &k->link);
	int pid = instance_container(i)->pid;
	if (spec->health.kind == SOT_HEALTH_CHECK_COMMAND)
		begin_command(k, pid, spec);
	else if (spec->health.kind == SOT_HEALTH_CHECK_HTTP)
		begin_http(k, pid, spec);
	else
		begin_tcp(k, way_to(c, i), instance_health(i), spec);
}

void checks_pump(checks *c)
{
	sot_map_iter it = {0};
	sot_mono now = reactor_now(c->a->loop);
	int64_t least = INT64_MAX;
	for (instance *i; (i = reconcile_iterate(c->a->reconcile, &it)) != NULL;) {
		const sot_health_spec *spec = &instance_want(i)->spec.health;
		if (!instance_container(i) || !instance_container(i)->running)
			continue;
		if (health_take_due(instance_health(i), spec, now))
			begin_check(c, i);
		int64_t due = health_next_due_ms(instance_health(i), spec, now);
		least = due < least ? due : least;
	}
	reactor_rearm_ms(c->timer, least < INT64_MAX ? least : -1);
	if (sot_map_count(c->ways) > reconcile_count(c->a->reconcile))
		forget_ways(c, false);
}

static void on_due(void *self, uint64_t missed)
{
	(void)missed;
	checks_pump(self);
}

checks *checks_new(agent *a)
{
	checks *c = sot_alloc(sizeof(*c));
	c->a = a;
	sot_list_init(&c->open);
	c->ways = sot_map_new();
	c->timer = reactor_after_ms(a->loop, 0, on_due, c);
	return c;
}

checks *checks_free(checks *c)
{
	if (c) {
		while (!sot_list_empty(&c->open))
			check_free(SOT_CONTAINER(c->open.next, check, link));
		forget_ways(c, true);
		c->ways = sot_map_free(c->ways);
		reactor_remove(c->timer);
		free(c);
	}
	return NULL;
}
