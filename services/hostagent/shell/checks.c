#include "checks.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sot_parse.h"

enum { TICK_MS = 100 };

struct checks {
	agent *a;
	reactor_watch *timer;
	sot_link open; /* TCP checks under way */
	int host_netns_fd;
	struct stat host_netns;
};

typedef struct check {
	checks *c;
	sot_uuid id;
	uint64_t round;
	sot_mono begun;
	int netns_fd, fd;
	reactor_watch *watch, *deadline;
	sot_link link;
} check;

static void check_free(check *k)
{
	reactor_remove(k->watch);
	reactor_remove(k->deadline);
	if (k->fd >= 0)
		close(k->fd);
	if (k->netns_fd >= 0)
		close(k->netns_fd);
	sot_list_remove(&k->link);
	free(k);
}

static void check_end(check *k, bool ok, const char *why)
{
	agent *a = k->c->a;
	sot_mono now = sot_mono_now(); /* the turn's instant would hide what this turn took */
	instance *i = reconcile_find(a->reconcile, k->id);
	if (i) {
		instance_set_health_error(i, ok ? "" : why);
		health_result(instance_health(i), &instance_want(i)->spec.health, k->round, ok,
		    sot_mono_diff_ms(now, k->begun), now);
	}
	check_free(k);
	agent_pump(a);
}

/* The namespace of the container's PID 1. A pid that the kernel has given to a process of the host
 * meanwhile is told by the host's own namespace. */
static int open_netns(const checks *c, int pid)
{
	char path[64];
	struct stat st;
	(void)snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_ino == c->host_netns.st_ino)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void on_http(void *self, const http_reply *reply)
{
	char why[160];
	bool ok = reply->code == SOT_OK && reply->status >= 200 && reply->status < 400;
	if (reply->code == SOT_OK)
		(void)snprintf(why, sizeof(why), "health check: status %d", reply->status);
	else
		(void)snprintf(
		    why, sizeof(why), "health check: %.120s", reply->why ? reply->why->text : "no answer");
	check_end(self, ok, why);
}

/* The status is the answer; a page of any length is read and forgotten, within the deadline. */
static void forget_body(void *self, sot_str piece)
{
	(void)self;
	(void)piece;
}

static void begin_http(check *k, const sot_instance_spec *spec)
{
	char url[320], address[16];
	sot_err err = {0};
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
		check_end(k, false, err.text);
}

static int socket_in(const checks *c, int netns_fd)
{
	if (setns(netns_fd, CLONE_NEWNET) != 0)
		return -1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (setns(c->host_netns_fd, CLONE_NEWNET) != 0)
		abort(); /* in a tenant's network nothing of this process may go on */
	return fd;
}

static void on_connected(void *self, int fd, int events)
{
	int why = 0;
	socklen_t n = sizeof(why);
	(void)events;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &why, &n) != 0)
		why = errno;
	check_end(self, why == 0,
	    why == ECONNREFUSED ? "health check: connection refused" : "health check: cannot connect");
}

static void on_deadline(void *self, uint64_t missed)
{
	(void)missed;
	check_end(self, false, "health check: no connection in time");
}

static void begin_tcp(check *k, const sot_instance_spec *spec)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons(spec->health.port),
	    .sin_addr.s_addr = htonl(sot_ip_v4(spec->address))};
	agent *a = k->c->a;
	k->fd = socket_in(k->c, k->netns_fd);
	if (k->fd < 0) {
		check_end(k, false, "health check: no socket in the instance's network");
		return;
	}
	if (connect(k->fd, (struct sockaddr *)&to, sizeof(to)) != 0 && errno != EINPROGRESS) {
		check_end(k, false, "health check: connection refused");
		return;
	}
	k->watch = reactor_add_fd(a->loop, k->fd, REACTOR_WRITE, on_connected, k);
	k->deadline = reactor_after_ms(a->loop, spec->health.timeout_ms, on_deadline, k);
}

static void begin_check(checks *c, instance *i)
{
	const sot_instance_spec *spec = &instance_want(i)->spec;
	check *k = sot_alloc(sizeof(*k));
	*k = (check){.c = c,
	    .id = spec->instance_id,
	    .round = instance_health(i)->round,
	    .begun = sot_mono_now(),
	    .fd = -1};
	sot_list_init(&k->link);
	sot_list_push(&c->open, &k->link);
	k->netns_fd = open_netns(c, instance_container(i)->pid);
	if (k->netns_fd < 0)
		check_end(k, false, "health check: the process is gone");
	else if (spec->health.kind == SOT_HEALTH_CHECK_HTTP)
		begin_http(k, spec);
	else
		begin_tcp(k, spec);
}

static void tick(void *self, uint64_t missed)
{
	checks *c = self;
	sot_map_iter it = {0};
	sot_mono now = reactor_now(c->a->loop);
	(void)missed;
	for (instance *i; (i = reconcile_iterate(c->a->reconcile, &it)) != NULL;)
		if (instance_container(i) && instance_container(i)->running &&
		    health_take_due(instance_health(i), &instance_want(i)->spec.health, now))
			begin_check(c, i);
}

checks *checks_new(agent *a)
{
	checks *c = sot_alloc(sizeof(*c));
	c->a = a;
	sot_list_init(&c->open);
	c->host_netns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (c->host_netns_fd < 0 || fstat(c->host_netns_fd, &c->host_netns) != 0)
		abort(); /* /proc is not mounted: nothing of the agent would work */
	c->timer = reactor_every_ms(a->loop, TICK_MS, tick, c);
	return c;
}

checks *checks_free(checks *c)
{
	if (c) {
		while (!sot_list_empty(&c->open))
			check_free(SOT_CONTAINER(c->open.next, check, link));
		reactor_remove(c->timer);
		close(c->host_netns_fd);
		free(c);
	}
	return NULL;
}
