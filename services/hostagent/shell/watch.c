#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_json.h"
#include "layout.h"
#include "process.h"
#include "sot_log.h"
#include "uplink.h"

enum {
	PING_EVERY_MS = 2000,
	PING_DEADLINE_MS = 3000,
	INSPECT_MS = 5000,
	LIST_MS = 10000,
	LIST_BODY_MAX = 16 * 1024 * 1024,
	SWEEP_IN_FLIGHT = 8,
	EVENT_LINE_MAX = 65536,
	RECONNECT_MS = 1000
};

struct watch {
	agent *a;
	reactor_watch *ping_timer, *list_timer, *events_timer;
	bool ping_in_flight, list_in_flight;
	sot_uuid *queue; /* instances to look at */
	size_t queued;
	sot_map *is_queued;
	unsigned sweeping;
	sot_buf line;                     /* of the event stream, until its line feed */
	uint32_t unknown, running, total; /* of the listing being read */
};

typedef struct look {
	watch *w;
	sot_uuid id;
	bool sweep;
	watch_done_fn done;
	void *self;
} look;

static void sweep(watch *w);

static void read_process(container_facts *f)
{
	if (f->running && f->pid > 0)
		f->process_gone = !process_read_start(f->pid, &f->process_start);
}

static void observe(look *l, container_facts *facts)
{
	agent *a = l->w->a;
	layout_facts files;
	desired_instance *want = NULL;
	instance *i = reconcile_find(a->reconcile, l->id);
	if (!i)
		return;
	want = instance_want(i);
	layout_read(a->config->state_dir, &want->spec, facts ? facts->id : "", &files);
	reconcile_observe(a->reconcile, l->id, facts, &files.files, reactor_now(a->loop));
	layout_facts_clear(&files);
}

static bool take_inspect(look *l, const docker_reply *reply)
{
	container_facts facts;
	sot_uuid owner;
	sot_err err = {0};
	if (reply->code == SOT_NOT_FOUND) {
		observe(l, NULL);
		return true;
	}
	sot_code code = reply->code;
	if (code == SOT_OK)
		code = docker_json_inspect(reply->body, &owner, &facts, &err);
	else
		err = *reply->why;
	if (code == SOT_OK && !sot_uuid_eq(owner, l->id))
		code = sot_fail(&err, SOT_CONFLICT, "a container of our name has another instance's label");
	if (code != SOT_OK) {
		sot_log_err(SOT_WARN, "inspect.failed", &err, "%s", "");
		return false;
	}
	read_process(&facts);
	observe(l, &facts);
	return true;
}

static void look_end(look *l, bool observed)
{
	watch *w = l->w;
	if (l->sweep)
		w->sweeping--;
	if (l->done)
		l->done(l->self, observed);
	free(l);
	sweep(w);
	agent_pump(w->a);
}

static void on_inspect(void *self, const docker_reply *reply)
{
	look *l = self;
	look_end(l, take_inspect(l, reply));
}

static void begin_look(look *l)
{
	char name[PLAN_CONTAINER_NAME_MAX], path[128];
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "/containers/%s/json", plan_container_name(l->id, name));
	docker_request q = {.method = "GET", .path = path, .deadline_ms = INSPECT_MS};
	if (docker_send(l->w->a->docker, &q, on_inspect, l, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "inspect.failed", &err, "%s", "");
	if (l->sweep)
		l->w->sweeping--;
	if (l->done)
		l->done(l->self, false);
	free(l);
}

void container_watch_refresh(agent *a, sot_uuid id, watch_done_fn done, void *self)
{
	look *l = sot_alloc(sizeof(*l));
	*l = (look){.w = a->watch, .id = id, .done = done, .self = self};
	begin_look(l);
}

static void enqueue(watch *w, sot_uuid id)
{
	if (sot_map_get_uuid(w->is_queued, id))
		return;
	(void)sot_map_set_uuid(w->is_queued, id, w);
	w->queue = sot_grow_array(w->queue, w->queued, w->queued + 1, sizeof(*w->queue));
	w->queue[w->queued++] = id;
}

static void sweep(watch *w)
{
	while (w->sweeping < SWEEP_IN_FLIGHT && w->queued > 0) {
		sot_uuid id = w->queue[0];
		memmove(w->queue, w->queue + 1, --w->queued * sizeof(*w->queue));
		(void)sot_map_remove_uuid(w->is_queued, id);
		if (!reconcile_find(w->a->reconcile, id))
			continue;
		look *l = sot_alloc(sizeof(*l));
		*l = (look){.w = w, .id = id, .sweep = true};
		w->sweeping++;
		begin_look(l);
	}
}

void container_watch_refresh_all(agent *a)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;)
		enqueue(a->watch, instance_want(i)->spec.instance_id);
	sweep(a->watch);
}

/* ---- listing: what is there that no assignment knows ---- */

static void on_listed(void *self, sot_uuid id, const char *state)
{
	watch *w = self;
	w->total++;
	w->running += strcmp(state, "running") == 0;
	w->unknown += reconcile_find(w->a->reconcile, id) == NULL;
}

static void on_list(void *self, const docker_reply *reply)
{
	watch *w = self;
	sot_err err = {0};
	w->list_in_flight = false;
	w->unknown = w->running = w->total = 0;
	if (reply->code != SOT_OK || docker_json_list(reply->body, on_listed, w, &err) != SOT_OK)
		return; /* the ping says what is wrong */
	w->a->containers_total = w->total;
	w->a->containers_running = w->running;
	status_feed_set_unknown(w->a->feed, w->unknown);
	container_watch_refresh_all(w->a);
}

static void list_now(void *self, uint64_t missed)
{
	watch *w = self;
	docker_request q = {.method = "GET",
	    .path = "/containers/json?all=1&filters=%7B%22label%22%3A%5B%22sot.instance%22%5D%7D",
	    .deadline_ms = LIST_MS,
	    .body_max = LIST_BODY_MAX};
	(void)missed;
	if (!w->list_in_flight)
		w->list_in_flight = docker_send(w->a->docker, &q, on_list, w, NULL) == SOT_OK;
}

/* ---- events ---- */

static void take_line(watch *w)
{
	sot_uuid id;
	if (docker_json_event(sot_buf_str(&w->line), &id)) {
		enqueue(w, id);
		sweep(w);
	}
	sot_buf_reset(&w->line);
}

static void on_event_bytes(void *self, sot_str bytes)
{
	watch *w = self;
	for (size_t i = 0; i < bytes.n; i++)
		if (bytes.p[i] == '\n')
			take_line(w);
		else
			sot_buf_add_char(&w->line, bytes.p[i]);
}

static void on_events_end(void *self, const docker_reply *reply)
{
	watch *w = self;
	(void)reply;
	sot_buf_reset(&w->line);
	reactor_rearm_ms(w->events_timer, RECONNECT_MS);
}

static void follow(void *self, uint64_t missed)
{
	watch *w = self;
	(void)missed;
	if (docker_follow_events(w->a->docker, on_event_bytes, on_events_end, w, NULL) != SOT_OK)
		reactor_rearm_ms(w->events_timer, RECONNECT_MS);
	list_now(w, 0); /* what happened while nobody listened */
}

/* ---- ping ---- */

/* The version is empty while the Engine does not answer; the schedulers hear of either change. */
static void on_version(void *self, const docker_reply *reply)
{
	watch *w = self;
	w->a->docker_version[0] = '\0';
	if (reply->code == SOT_OK)
		docker_json_version(reply->body, w->a->docker_version, sizeof(w->a->docker_version));
	if (!w->a->ending)
		uplink_engine_asked(w->a->uplink);
}

static void ask_version(watch *w)
{
	docker_request q = {.method = "GET", .path = "/version", .deadline_ms = PING_DEADLINE_MS};
	sot_err err = {0};
	if (docker_send(w->a->docker, &q, on_version, w, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "docker.version", &err, "%s", "");
	uplink_engine_asked(w->a->uplink);
}

static void on_ping(void *self, const docker_reply *reply)
{
	watch *w = self;
	agent *a = w->a;
	bool ok = reply->code == SOT_OK;
	w->ping_in_flight = false;
	a->docker_ping_ms = (uint32_t)reply->total_ms;
	if (ok == a->docker_ok)
		return;
	a->docker_ok = ok;
	reconcile_set_engine(a->reconcile, ok);
	if (ok) {
		sot_log(SOT_INFO, "docker.up", "ping_ms=%u", a->docker_ping_ms);
		ask_version(w);
		list_now(w, 0);
	} else if (!a->ending) {
		sot_log_err(SOT_WARN, "docker.down", reply->why, "%s", "");
		a->docker_version[0] = '\0';
		uplink_engine_asked(a->uplink);
	}
	agent_pump(a);
}

static void ping_now(void *self, uint64_t missed)
{
	watch *w = self;
	docker_request q = {.method = "GET", .path = "/_ping", .deadline_ms = PING_DEADLINE_MS};
	(void)missed;
	if (!w->ping_in_flight)
		w->ping_in_flight = docker_send(w->a->docker, &q, on_ping, w, NULL) == SOT_OK;
}

watch *container_watch_new(agent *a)
{
	watch *w = sot_alloc(sizeof(*w));
	w->a = a;
	w->is_queued = sot_map_new();
	sot_buf_init(&w->line, EVENT_LINE_MAX);
	w->ping_timer = reactor_every_ms(a->loop, PING_EVERY_MS, ping_now, w);
	w->list_timer = reactor_every_ms(a->loop, a->config->list_interval_ms, list_now, w);
	w->events_timer = reactor_after_ms(a->loop, 0, follow, w);
	ask_version(w); /* before the first hello, which tells it; PING_DEADLINE_MS at most */
	ping_now(w, 0);
	return w;
}

watch *container_watch_free(watch *w)
{
	if (w) {
		reactor_remove(w->ping_timer);
		reactor_remove(w->list_timer);
		reactor_remove(w->events_timer);
		w->is_queued = sot_map_free(w->is_queued);
		sot_buf_clear(&w->line);
		free(w->queue);
		free(w);
	}
	return NULL;
}
