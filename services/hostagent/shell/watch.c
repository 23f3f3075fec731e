#include "watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "docker_json.h"
#include "docker_junk.h"
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
	RECONNECT_MS = 1000,
	WATCH_ROUND = 30 /* listings; divides into 256 ids as evenly as it can */
};

struct watch {
	agent *a;
	reactor_watch *ping_timer, *list_timer, *events_timer;
	bool ping_in_flight, list_in_flight;
	sot_uuid *queue; /* instances to look at */
	size_t queued;
	sot_map *is_queued;
	sot_link looks; /* under way */
	unsigned sweeping;
	sot_buf line; /* of the event stream, until its line feed */
	/* Of the listing being read. */
	uint32_t running, total;
	unknowns *unknown;
	sot_map *as_known; /* instances whose container is listed as it is known */
	unsigned listing;  /* which one of the round */
};

typedef struct look {
	watch *w;
	sot_link link;
	sot_uuid id;
	bool sweep;
	bool again; /* something happened meanwhile: the answer may be older */
	watch_done_fn done;
	void *self;
} look;

static void sweep(watch *w);

static void read_process(container_facts *f)
{
	if (f->running && f->pid > 0)
		f->process_gone = !process_read_start(f->pid, &f->process_start);
}

static void observe(watch *w, sot_uuid id, container_facts *facts)
{
	agent *a = w->a;
	layout_facts files;
	desired_instance *want = NULL;
	instance *i = reconcile_find(a->reconcile, id);
	if (!i)
		return;
	want = instance_want(i);
	if (facts)
		read_process(facts);
	const char *container_id = facts ? facts->id : "";
	uint64_t stamp = layout_stamp(a->config->state_dir, &want->spec, container_id);
	if (stamp == instance_files_stamp(i)) {
		reconcile_observe(a->reconcile, id, facts, NULL, reactor_now(a->loop));
		return;
	}
	layout_read(a->config->state_dir, &want->spec, container_id, &files);
	files.files.stamp = stamp;
	reconcile_observe(a->reconcile, id, facts, &files.files, reactor_now(a->loop));
	layout_facts_clear(&files);
}

/* What the Engine said of it stands; files and process are looked at. */
static void observe_here(watch *w, instance *i)
{
	const container_facts *known = instance_container(i);
	container_facts facts = known ? *known : (container_facts){0};
	observe(w, instance_want(i)->spec.instance_id, known ? &facts : NULL);
}

static bool take_inspect(look *l, const docker_reply *reply)
{
	container_facts facts;
	sot_uuid owner;
	sot_err err = {0};
	if (reply->code == SOT_NOT_FOUND) {
		observe(l->w, l->id, NULL);
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
	observe(l->w, l->id, &facts);
	return true;
}

static void enqueue(watch *w, sot_uuid id)
{
	if (sot_map_get_uuid(w->is_queued, id))
		return;
	(void)sot_map_set_uuid(w->is_queued, id, w);
	w->queue = sot_grow_array(w->queue, w->queued, w->queued + 1, sizeof(*w->queue));
	w->queue[w->queued++] = id;
}

static void look_free(look *l, bool observed)
{
	sot_list_remove(&l->link);
	if (l->sweep)
		l->w->sweeping--;
	if (l->again)
		enqueue(l->w, l->id);
	if (l->done)
		l->done(l->self, observed);
	free(l);
}

static void on_inspect(void *self, const docker_reply *reply)
{
	look *l = self;
	watch *w = l->w;
	look_free(l, take_inspect(l, reply));
	sweep(w);
	agent_pump(w->a);
}

static void begin_look(watch *w, look with)
{
	char name[PLAN_CONTAINER_NAME_MAX], path[128];
	sot_err err = {0};
	look *l = sot_alloc(sizeof(*l));
	*l = with;
	l->w = w;
	sot_list_init(&l->link);
	sot_list_push(&w->looks, &l->link);
	w->sweeping += l->sweep;
	(void)snprintf(path, sizeof(path), "/containers/%s/json", plan_container_name(l->id, name));
	docker_request q = {.method = "GET", .path = path, .deadline_ms = INSPECT_MS};
	if (docker_send(w->a->docker, &q, on_inspect, l, &err) == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "inspect.failed", &err, "%s", "");
	look_free(l, false);
}

void container_watch_refresh(agent *a, sot_uuid id, watch_done_fn done, void *self)
{
	begin_look(a->watch, (look){.id = id, .done = done, .self = self});
}

void container_watch_refresh_files(agent *a, sot_uuid id)
{
	instance *i = reconcile_find(a->reconcile, id);
	if (i)
		observe_here(a->watch, i);
}

static void sweep(watch *w)
{
	while (w->sweeping < SWEEP_IN_FLIGHT && w->queued > 0) {
		sot_uuid id = w->queue[0];
		memmove(w->queue, w->queue + 1, --w->queued * sizeof(*w->queue));
		(void)sot_map_remove_uuid(w->is_queued, id);
		if (!reconcile_find(w->a->reconcile, id))
			continue;
		begin_look(w, (look){.id = id, .sweep = true});
	}
}

void container_watch_refresh_unsettled(agent *a)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;)
		if (!instance_is_settled(i) && !instance_has_step_in_flight(i))
			enqueue(a->watch, instance_want(i)->spec.instance_id);
	sweep(a->watch);
}

void container_watch_reread_files(agent *a)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(a->reconcile, &it)) != NULL;)
		if (instance_is_settled(i))
			observe_here(a->watch, i);
	container_watch_refresh_unsettled(a);
}

/* ---- listing: what is there that no assignment knows, or not as it is known ---- */

static const char *state_known(const container_facts *f)
{
	if (f->engine_restarts_it)
		return "restarting";
	if (f->frozen)
		return "paused";
	if (f->running)
		return "running";
	return f->ever_started ? "exited" : "created";
}

static void note_unknown(watch *w, const docker_json_item *item)
{
	unknowns_add(w->unknown, &(sot_unknown_container){.container_id = sot_str_c(item->container_id),
	                             .name = sot_str_c(item->name),
	                             .image = sot_str_c(item->image),
	                             .state = sot_str_c(item->state),
	                             .created_unix_ms = item->created_unix_s * 1000,
	                             .instance_id = item->instance,
	                             .instance_name = sot_str_c(item->instance_name),
	                             .app = sot_str_c(item->app),
	                             .generation = item->generation});
}

static void on_listed(void *self, const docker_json_item *item)
{
	watch *w = self;
	const instance *i = item->is_ours ? reconcile_find(w->a->reconcile, item->instance) : NULL;
	const container_facts *known = i ? instance_container(i) : NULL;
	if (!i)
		note_unknown(w, item);
	if (!item->is_ours)
		return;
	w->total++;
	w->running += strcmp(item->state, "running") == 0;
	if (!i && item->created_unix_s > 0)
		docker_junk_saw(w->a->junk, item->container_id, item->state,
		    reactor_wall(w->a->loop).unix_ms / 1000 - item->created_unix_s);
	if (known && strcmp(known->id, item->container_id) == 0 &&
	    strcmp(state_known(known), item->state) == 0)
		(void)sot_map_set_uuid(w->as_known, item->instance, w);
	else if (i)
		enqueue(w, item->instance);
}

static void compare_with_listing(watch *w)
{
	sot_map_iter it = {0};
	for (instance *i; (i = reconcile_iterate(w->a->reconcile, &it)) != NULL;) {
		sot_uuid id = instance_want(i)->spec.instance_id;
		bool has_container = instance_container(i) != NULL;
		bool is_as_known = has_container == (sot_map_get_uuid(w->as_known, id) != NULL);
		bool has_turn = id.b[sizeof(id.b) - 1] % WATCH_ROUND == w->listing;
		if (instance_has_step_in_flight(i))
			continue; /* it ends with a look */
		if (instance_is_settled(i) && is_as_known && !has_turn)
			observe_here(w, i);
		else
			enqueue(w, id);
	}
	w->listing = (w->listing + 1) % WATCH_ROUND;
}

static void on_list(void *self, const docker_reply *reply)
{
	watch *w = self;
	sot_err err = {0};
	w->list_in_flight = false;
	w->running = w->total = 0;
	if (reply->code != SOT_OK)
		return; /* the ping says what is wrong */
	docker_junk_listing(w->a->junk);
	w->as_known = sot_map_new();
	w->unknown = unknowns_new();
	if (docker_json_list(reply->body, on_listed, w, &err) == SOT_OK) {
		w->a->containers_total = w->total;
		w->a->containers_running = w->running;
		status_feed_set_unknown(w->a->feed, w->unknown);
		compare_with_listing(w);
	}
	w->as_known = sot_map_free(w->as_known);
	w->unknown = unknowns_free(w->unknown);
	sweep(w);
	agent_pump(w->a);
}

static void list_now(void *self, uint64_t missed)
{
	watch *w = self;
	docker_request q = {.method = "GET",
	    .path = "/containers/json?all=1",
	    .deadline_ms = LIST_MS,
	    .body_max = LIST_BODY_MAX};
	(void)missed;
	if (!w->list_in_flight)
		w->list_in_flight = docker_send(w->a->docker, &q, on_list, w, NULL) == SOT_OK;
}

/* ---- events ---- */

/* A step of our own makes events too, and ends with a look: what it does is no reason for another.
 */
static void note(watch *w, sot_uuid id)
{
	const instance *i = reconcile_find(w->a->reconcile, id);
	bool is_looked_at = false;
	for (sot_link *l = w->looks.next; l != &w->looks; l = l->next) {
		look *k = SOT_CONTAINER(l, look, link);
		if (sot_uuid_eq(k->id, id))
			k->again = is_looked_at = true;
	}
	if (is_looked_at || (i && instance_has_step_in_flight(i)))
		return;
	enqueue(w, id);
	sweep(w);
}

static void take_line(watch *w)
{
	sot_uuid id;
	if (docker_json_event(sot_buf_str(&w->line), &id))
		note(w, id);
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
	sot_list_init(&w->looks);
	sot_buf_init(&w->line, EVENT_LINE_MAX);
	w->ping_timer = reactor_together_ms(a->loop, PING_EVERY_MS, ping_now, w);
	w->list_timer = reactor_together_ms(a->loop, a->config->list_interval_ms, list_now, w);
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
