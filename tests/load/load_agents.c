#include "load_agents.h"

#include "load_docker.h"
#include "sot_map.h"
#include "sot_rand.h"
#include "status_feed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICK_MS = 25,
	BEAT_MS = 5000,
	AGAIN_MS = 2000,
	NOBODY = -1,
	COMPLAINTS_MAX = 10,
	REPORTED_MAX = 100
};

typedef struct agent agent;

typedef struct agent_link {
	agent *a;
	int pair;
	bus_client *client;
} agent_link;

struct agent {
	load_agents *all;
	size_t number; /* of the host */
	bus_keypair keys;
	bus *bus;
	agent_link links[LOAD_PAIRS];
	int leader; /* pair that spoke as leader last, or NOBODY */
	uint64_t start_id;
	uint64_t greeted_epoch; /* whose set it has */
	desired *desired;
	load_docker *docker;
	status_feed *feed;
	bool status_in_flight;
	sot_mono again, next_beat, wake;
};

struct load_agents {
	load_world *w;
	load_agents_options options;
	bus *crowd;
	agent *agents;
	sot_arena *arena;
	sot_buf frame;
	sot_rand rand;
	reactor_watch *timer;
	uint64_t stale_refused;
};

/* ---- what an agent says ---- */

#define SAY(a_, pair_, message_type, ...)                                                          \
	do {                                                                                           \
		sot_##message_type say_message_ = {__VA_ARGS__};                                           \
		sot_buf_reset(&(a_)->all->frame);                                                          \
		if (sot_##message_type##_encode(&say_message_, &(a_)->all->frame, NULL) != SOT_OK)         \
			load_die(#message_type, "cannot be encoded");                                          \
		(void)bus_client_send((a_)->links[pair_].client, sot_buf_str(&(a_)->all->frame), NULL);    \
	} while (0)

static void say_hello(agent *a, int pair)
{
	SAY(a, pair, hello, .protocol_version = 1, .boot_id = SOT_STR("boot"),
	    .agent_start_id = a->start_id, .generation = desired_generation(a->desired),
	    .epoch = desired_epoch(a->desired), .agent_version = SOT_STR("load"),
	    .hostname = SOT_STR("load"), .kernel = SOT_STR("load"), .docker_version = SOT_STR("20.10"),
	    .cpu_milli = LOAD_HOST_CPU_MILLI, .memory_bytes = LOAD_HOST_MEMORY,
	    .disk_bytes = LOAD_HOST_DISK);
}

static void beat(agent *a, sot_mono now)
{
	a->next_beat = sot_mono_add_ms(now, BEAT_MS);
	for (int pair = 0; pair < a->all->options.pairs; pair++) {
		if (bus_client_is_up(a->links[pair].client))
			SAY(a, pair, heartbeat, .boot_id = SOT_STR("boot"),
			    .generation = desired_generation(a->desired), .docker_ok = true,
			    .instances = (uint32_t)desired_count(a->desired));
	}
}

static void tell_statuses(agent *a, sot_mono now)
{
	sot_status m = {.boot_id = SOT_STR("boot"), .agent_start_id = a->start_id};
	if (a->status_in_flight && sot_mono_reached(now, a->again))
		a->status_in_flight = false;
	if (a->leader == NOBODY || a->status_in_flight || !status_feed_is_due(a->feed))
		return;
	sot_arena_reset(a->all->arena);
	if (status_feed_build(a->feed, a->all->arena, &m, NULL) != SOT_OK)
		load_die("status", "cannot be built");
	sot_buf_reset(&a->all->frame);
	if (sot_status_encode(&m, &a->all->frame, NULL) != SOT_OK)
		load_die("status", "cannot be encoded");
	(void)bus_client_send(a->links[a->leader].client, sot_buf_str(&a->all->frame), NULL);
	a->status_in_flight = true;
	a->again = sot_mono_add_ms(now, AGAIN_MS);
}

/* ---- what it hears ---- */

static void follow(agent *a, int pair)
{
	if (a->leader == pair)
		return;
	a->leader = pair;
	a->status_in_flight = false;
	status_feed_restart(a->feed);
}

static void on_assign(void *self, const void *from, const sot_assign *m)
{
	agent *a = self;
	const agent_link *l = from;
	bool complete = false;
	sot_code code = desired_offer(a->desired, m, &complete, NULL);
	if (code != SOT_OK) {
		a->all->stale_refused += code == SOT_DENIED;
		desired_drop_staged(a->desired);
		if (code == SOT_CONFLICT)
			say_hello(a, l->pair);
		return;
	}
	follow(a, l->pair);
	if (!complete)
		return;
	desired_take_staged(a->desired);
	a->greeted_epoch = m->epoch;
	load_docker_take(a->docker, a->desired, sot_mono_now());
	a->wake = sot_mono_now();
	for (size_t k = 0; a->all->options.on_assigned && k < m->instances_count; k++)
		a->all->options.on_assigned(a->all->options.self, a->number, m->instances[k].name);
	SAY(a, l->pair, assigned, .epoch = m->epoch, .generation = m->generation);
}

static void on_heartbeat_ack(void *self, const void *from, const sot_heartbeat_ack *m)
{
	agent *a = self;
	const agent_link *l = from;
	if (desired_see_epoch(a->desired, m->epoch, NULL) != SOT_OK) {
		a->all->stale_refused++;
		return;
	}
	follow(a, l->pair);
	if (m->generation != desired_generation(a->desired))
		say_hello(a, l->pair);
	else
		a->greeted_epoch = m->epoch;
}

static void on_not_leader(void *self, const void *from, const sot_not_leader *m)
{
	agent *a = self;
	const agent_link *l = from;
	sot_code ignored = desired_see_epoch(a->desired, m->epoch, NULL);
	(void)ignored;
	if (a->leader == l->pair)
		a->leader = NOBODY;
}

static void on_status_ack(void *self, const void *from, const sot_status_ack *m)
{
	agent *a = self;
	(void)from;
	if (m->agent_start_id != a->start_id)
		return;
	status_feed_ack(a->feed, m->seq);
	a->status_in_flight = false;
	tell_statuses(a, sot_mono_now());
}

/* Processes die here, machines and what runs on them do not: whoever is asked about answers. */
static void on_host_probe(void *self, const void *from, const sot_host_probe *m)
{
	sot_probe_answer answers[16] = {SOT_PROBE_ANSWER_UNKNOWN};
	const agent_link *l = from;
	for (size_t k = 0; k < m->targets_count; k++)
		answers[k] = SOT_PROBE_ANSWER_ANSWERED;
	SAY((agent *)self, l->pair, host_probed, .request_id = m->request_id,
	    .host = SOT_PROBE_ANSWER_ANSWERED, .targets = answers, .targets_count = m->targets_count);
}

/* ---- what is asked about instances: as much as there can be without processes ---- */

static void on_logs_read(void *self, const void *from, const sot_agent_logs_read *m)
{
	const agent_link *l = from;
	SAY((agent *)self, l->pair, agent_logs, .request_id = m->request_id, .ok = true,
	    .text = SOT_STR("2026-11-22T08:00:00.000000000Z nothing runs here\n"));
}

static void on_inside_read(void *self, const void *from, const sot_agent_inside_read *m)
{
	const agent_link *l = from;
	SAY((agent *)self, l->pair, agent_inside, .request_id = m->request_id, .ok = true,
	    .text =
	        m->packages
	            ? SOT_STR("{\"packages\":[],\"packagesTotal\":0,\"cleanup\":\"on\"}")
	            : SOT_STR(
	                  "{\"processes\":[],\"processesTotal\":0,\"mounts\":[{\"target\":\"/"
	                  "\",\"type\":"
	                  "\"overlay\",\"source\":\"overlay\",\"options\":\"rw\",\"readOnly\":false}],"
	                  "\"mountsTotal\":1}"));
}

static void on_usage_read(void *self, const void *from, const sot_agent_usage_read *m)
{
	agent *a = self;
	const agent_link *l = from;
	sot_instance_report reports[REPORTED_MAX];
	sot_host_report host = {.host_name = SOT_STR("load"), .cpu_cores = 64, .docker_ok = true};
	sot_instance_reports list = {.instances = reports};
	sot_buf frames[2];
	sot_map_iter it = {0};
	for (desired_instance *i;
	     list.instances_count < REPORTED_MAX && (i = desired_next(a->desired, &it)) != NULL;)
		reports[list.instances_count++] = (sot_instance_report){.instance_id = i->spec.instance_id,
		    .name = i->spec.name,
		    .app = i->spec.app,
		    .running = i->spec.desired == SOT_DESIRED_STATE_RUNNING};
	for (int k = 0; k < 2; k++)
		sot_buf_init(&frames[k], SOT_WIRE_FRAME_MAX);
	if (sot_host_report_encode(&host, &frames[0], NULL) != SOT_OK ||
	    sot_instance_reports_encode(&list, &frames[1], NULL) != SOT_OK)
		load_die("usage", "cannot be encoded");
	sot_str parts[] = {sot_buf_str(&frames[1])};
	SAY(a, l->pair, agent_usage, .request_id = m->request_id, .host = sot_buf_str(&frames[0]),
	    .instances = parts, .instances_count = 1, .findings = SOT_STR("[]"));
	for (int k = 0; k < 2; k++)
		sot_buf_clear(&frames[k]);
}

static void on_push(void *self, sot_str frame)
{
	static const sot_hostagent_replies handlers = {.not_leader = on_not_leader,
	    .assign = on_assign,
	    .heartbeat_ack = on_heartbeat_ack,
	    .status_ack = on_status_ack,
	    .host_probe = on_host_probe,
	    .agent_logs_read = on_logs_read,
	    .agent_inside_read = on_inside_read,
	    .agent_usage_read = on_usage_read};
	agent_link *l = self;
	sot_arena *arena = sot_arena_new(8u << 20);
	sot_err err = {0};
	if (sot_hostagent_dispatch_reply(&handlers, l->a, l, frame, arena, &err) != SOT_OK)
		load_die("a frame of the scheduler", err.text);
	sot_arena_free(arena);
}

static void on_up(void *self, bool up)
{
	agent_link *l = self;
	if (up) {
		say_hello(l->a, l->pair);
	} else if (l->a->leader == l->pair) {
		l->a->leader = NOBODY;
		l->a->status_in_flight = false;
	}
}

/* ---- time ---- */

static void pump(agent *a, sot_mono now)
{
	if (sot_mono_reached(now, a->wake)) {
		int64_t due_ms = load_docker_work(a->docker, a->feed, now);
		a->wake = sot_mono_add_ms(now, due_ms);
	}
	tell_statuses(a, now);
	if (sot_mono_reached(now, a->next_beat))
		beat(a, now);
}

static void on_tick(void *self, uint64_t missed)
{
	load_agents *all = self;
	sot_mono now = sot_mono_now();
	(void)missed;
	for (size_t k = 0; k < all->options.count; k++)
		pump(&all->agents[k], now);
}

/* ---- life ---- */

static void connect_agent(agent *a)
{
	char endpoint[200];
	sot_err err = {0};
	load_agents *all = a->all;
	a->leader = NOBODY;
	if (bus_join(all->crowd, &a->keys, &a->bus, &err) != SOT_OK)
		load_die("an agent's bus", err.text);
	for (int pair = 0; pair < all->options.pairs; pair++) {
		agent_link *l = &a->links[pair];
		*l = (agent_link){.a = a, .pair = pair};
		load_endpoint(all->w, "scheduler-agents", pair, endpoint, sizeof(endpoint));
		if (bus_connect(a->bus, "scheduler", endpoint, all->w->scheduler_key, on_push, on_up, l,
		        &l->client, &err) != SOT_OK)
			load_die("an agent's connection", err.text);
	}
}

static void make_agent(load_agents *all, size_t k, sot_mono now)
{
	agent *a = &all->agents[k];
	sot_err err = {0};
	*a = (agent){.all = all,
	    .number = all->options.first + k,
	    .start_id = sot_rand_u64(&all->rand) | 1,
	    .desired = desired_new(),
	    .feed = status_feed_new(),
	    .wake = now,
	    .next_beat = sot_mono_add_ms(now, (int64_t)sot_rand_below(&all->rand, BEAT_MS))};
	a->docker = load_docker_new(
	    sot_rand_u64(&all->rand), all->options.step_min_ms, all->options.step_max_ms);
	if (bus_keypair_make(&a->keys, &err) != SOT_OK)
		load_die("keys", err.text);
}

load_agents *load_agents_new(load_world *w, const load_agents_options *options)
{
	load_agents *all = sot_alloc(sizeof(*all));
	char(*keys)[BUS_KEY_TEXT] = sot_alloc_array(options->count, sizeof(*keys));
	sot_mono now = sot_mono_now();
	sot_err err = {0};
	all->w = w;
	all->options = *options;
	all->agents = sot_alloc_array(options->count, sizeof(*all->agents));
	all->arena = sot_arena_new(8u << 20);
	sot_buf_init(&all->frame, SOT_WIRE_FRAME_MAX);
	sot_rand_seed(&all->rand, options->first + 1);
	/* Twice as many: a reconnection closes the old ones in the background. */
	if (bus_crowd_new(w->loop, 2 * (int)options->count * options->pairs, &all->crowd, &err) !=
	    SOT_OK)
		load_die("the agents' bus", err.text);
	for (size_t k = 0; k < options->count; k++) {
		make_agent(all, k, now);
		memcpy(keys[k], all->agents[k].keys.public_key, BUS_KEY_TEXT);
	}
	load_make_hosts(w, options->first, options->count, (const char(*)[BUS_KEY_TEXT])keys);
	free(keys);
	for (size_t k = 0; k < options->count; k++)
		connect_agent(&all->agents[k]);
	all->timer = reactor_every_ms(w->loop, TICK_MS, on_tick, all);
	return all;
}

void load_agents_reconnect(load_agents *all)
{
	for (size_t k = 0; k < all->options.count; k++) {
		all->agents[k].bus = bus_free(all->agents[k].bus);
		connect_agent(&all->agents[k]);
	}
}

load_agents *load_agents_free(load_agents *all)
{
	reactor_remove(all->timer);
	for (size_t k = 0; k < all->options.count; k++) {
		agent *a = &all->agents[k];
		bus_free(a->bus);
		load_docker_free(a->docker);
		desired_free(a->desired);
		status_feed_free(a->feed);
	}
	bus_free(all->crowd);
	sot_arena_free(all->arena);
	sot_buf_clear(&all->frame);
	free(all->agents);
	free(all);
	return NULL;
}

/* ---- where they stand ---- */

size_t load_agents_connected(const load_agents *all)
{
	size_t n = 0;
	for (size_t k = 0; k < all->options.count; k++)
		n += bus_client_is_up(all->agents[k].links[0].client);
	return n;
}

size_t load_agents_synced(const load_agents *all, uint64_t epoch)
{
	size_t n = 0;
	for (size_t k = 0; k < all->options.count; k++) {
		const agent *a = &all->agents[k];
		n += a->leader != NOBODY && a->greeted_epoch >= epoch && !a->status_in_flight &&
		     !status_feed_is_due(a->feed);
	}
	return n;
}

size_t load_agents_running(const load_agents *all)
{
	size_t n = 0;
	for (size_t k = 0; k < all->options.count; k++)
		n += load_docker_running(all->agents[k].docker);
	return n;
}

uint64_t load_agents_stale_refused(const load_agents *all)
{
	return all->stale_refused;
}

/* ---- the comparison ---- */

typedef struct comparison {
	load_agents *all;
	sot_map *by_address; /* of what runs, to the agent */
	size_t complaints, containers;
	const agent *agent;
} comparison;

static void complain(comparison *c, const char *what, const char *who)
{
	if (c->complaints++ < COMPLAINTS_MAX)
		(void)fprintf(stderr, "agents: %s: %s\n", who, what);
}

static void note_container(void *self, sot_uuid id, bool is_running, sot_ip address)
{
	comparison *c = self;
	char text[SOT_UUID_TEXT];
	c->containers++;
	if (!is_running) {
		complain(c, "has a container that does not run", sot_uuid_format(id, text));
		return;
	}
	if (sot_map_get(c->by_address, address.b, sizeof(address.b)))
		complain(c, "runs with an address that another one runs with", sot_uuid_format(id, text));
	sot_map_set(
	    c->by_address, address.b, sizeof(address.b), (void *)(uintptr_t)(const void *)c->agent);
}

static void compare_row(comparison *c, const PGresult *res, int row)
{
	sot_uuid id, host;
	sot_ip address = {0};
	const char *name = PQgetvalue(res, row, 0);
	if (sot_uuid_parse(sot_str_c(PQgetvalue(res, row, 1)), &id, NULL) != SOT_OK ||
	    sot_uuid_parse(sot_str_c(PQgetvalue(res, row, 2)), &host, NULL) != SOT_OK ||
	    sot_ip_parse(sot_str_c(PQgetvalue(res, row, 3)), &address, NULL) != SOT_OK) {
		complain(c, "has no host or no address", name);
		return;
	}
	const agent *holder = sot_map_get(c->by_address, address.b, sizeof(address.b));
	if (!holder)
		complain(c, "runs nowhere with its address", name);
	else if (!sot_uuid_eq(load_host_id(holder->number), host))
		complain(c, "runs on another host than its row says", name);
	else if (!load_docker_has(holder->docker, id))
		complain(c, "is not who runs with its address", name);
}

size_t load_agents_compare(load_agents *all)
{
	comparison c = {.all = all, .by_address = sot_map_new()};
	for (size_t k = 0; k < all->options.count; k++) {
		c.agent = &all->agents[k];
		load_docker_each(all->agents[k].docker, note_container, &c);
	}
	PGresult *res = PQexec(all->w->pg,
	    "SELECT name, id, host_id, host(address) FROM scheduler.instance WHERE state <> 'retired'");
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		load_die("comparing", PQerrorMessage(all->w->pg));
	for (int row = 0; row < PQntuples(res); row++)
		compare_row(&c, res, row);
	if (c.containers != (size_t)PQntuples(res))
		complain(&c, "are there, and another number of rows", "containers");
	PQclear(res);
	sot_map_free(c.by_address);
	return c.complaints;
}
