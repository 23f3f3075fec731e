#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 500
#define WORK_MS 180000
#define REST_MS 1500000

controller_now world_now(const world *w)
{
	return (controller_now){sim_now(w->s), sim_wall(w->s)};
}

void world_fail(world *w, const char *fmt, ...)
{
	char text[500];
	va_list args;

	if (w->failure[0])
		return;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	(void)snprintf(
	    w->failure, sizeof(w->failure), "at %lld ms: %s", (long long)sim_now(w->s).ms, text);
}

/* ---- links: which node and which agent a message is between ---- */

typedef struct route {
	world *w;
	int node, agent;
} route;

static void to_node(void *self, sot_str data)
{
	const route *r = self;

	node_on_agent(&r->w->nodes[r->node], &r->w->agents[r->agent], data);
}

static void to_ipam(void *self, sot_str data)
{
	ipam_on_frame(self, data);
}

static route routes[NODES * HOSTS];

static void make_links(world *w)
{
	for (int n = 0; n < NODES; n++) {
		node *nd = &w->nodes[n];
		nd->to_ipam = sim_link_new(w->s, &w->faults, to_ipam, nd);
		nd->from_ipam = sim_link_new(w->s, &w->faults, node_on_ipam, nd);
		w->client_to[n] = sim_link_new(w->s, &w->faults, node_on_client, nd);
		w->client_from[n] = sim_link_new(w->s, &w->faults, client_on_frame, w);
		for (int a = 0; a < HOSTS; a++) {
			route *r = &routes[n * HOSTS + a];
			*r = (route){w, n, a};
			w->agents[a].to_node[n] = sim_link_new(w->s, &w->faults, to_node, r);
			w->agents[a].from_node[n] =
			    sim_link_new(w->s, &w->faults, agent_on_frame, &w->agents[a]);
		}
	}
}

world *world_new(uint64_t seed, sim_plant plant)
{
	world *w = sot_alloc(sizeof(*w));
	static const host_class_row class = {.name = "default",
	    .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 1000,
	    .disk_overcommit_permille = 1000};
	static const plan_row plans[] = {
	    {.name = "tiny", .cpu_milli = 100, .memory_bytes = 128 << 20, .disk_bytes = 1 << 30},
	    {.name = "small", .cpu_milli = 300, .memory_bytes = 256 << 20, .disk_bytes = 1 << 30},
	    {.name = "huge", .cpu_milli = 100, .memory_bytes = 700 << 20, .disk_bytes = 1 << 30}};

	w->s = sim_new(seed);
	w->seed = seed;
	w->plant = plant;
	w->store = store_model_new();
	for (size_t k = 0; k < sizeof(plans) / sizeof(plans[0]); k++)
		store_model_add_plan(w->store, &plans[k]);
	store_model_add_host_class(w->store, &class);
	for (uint32_t k = 0; k < ADDRESSES; k++)
		w->addresses[k].address = 0x0a420002u + k;
	for (int n = 0; n < NODES; n++) {
		w->nodes[n].w = w;
		w->nodes[n].number = n;
	}
	for (int a = 0; a < HOSTS; a++) {
		w->agents[a].w = w;
		w->agents[a].number = a;
	}
	make_links(w);
	return w;
}

world *world_free(world *w)
{
	if (!w)
		return NULL;
	for (int n = 0; n < NODES; n++) {
		node_crash(&w->nodes[n]);
		sim_link_free(w->nodes[n].to_ipam);
		sim_link_free(w->nodes[n].from_ipam);
		sim_link_free(w->client_to[n]);
		sim_link_free(w->client_from[n]);
		for (int a = 0; a < HOSTS; a++) {
			sim_link_free(w->agents[a].to_node[n]);
			sim_link_free(w->agents[a].from_node[n]);
		}
	}
	for (size_t k = 0; k < w->request_count; k++)
		sot_buf_clear(&w->requests[k].frame);
	free(w->requests);
	store_model_free(w->store);
	store_model_free(w->backup.store);
	sim_free(w->s);
	free(w);
	return NULL;
}

/* ---- faults ---- */

static void heal_link(void *self, sot_str data)
{
	(void)data;
	sim_link_cut(self, false);
}

static void cut_somewhere(world *w)
{
	agent *a = &w->agents[sim_below(w->s, HOSTS)];
	int n = (int)sim_below(w->s, NODES);
	int64_t ms = 1000 + (int64_t)sim_below(w->s, 60000);
	sim_link *link = sim_chance(w->s, 500) ? a->to_node[n] : a->from_node[n];

	sim_link_cut(link, true);
	sim_after(w->s, ms, heal_link, link, (sot_str){0});
}

static void restart_node(void *self, sot_str data)
{
	(void)data;
	node_start(self);
}

static void restart_agent(void *self, sot_str data)
{
	(void)data;
	agent_start(self);
}

static void boot_host(void *self, sot_str data)
{
	(void)data;
	host_boot(self);
}

/* The other machine of its rack dies too: that is so many at once that the brake engages. */
static void kill_neighbour(world *w, const agent *a, int64_t ms)
{
	agent *other = &w->agents[a->number ^ 1];

	if (!other->registered || other->dead || !other->alive)
		return;
	host_die(other);
	sim_after(w->s, ms + 5000, boot_host, other, (sot_str){0});
	w->racks_lost++;
}

/* One machine in its turn: it dies and returns, its agent alone dies, or its network is cut. */
static void disturb_host(world *w, agent *a)
{
	int64_t ms = 20000 + (int64_t)sim_below(w->s, 150000);

	if (!a->registered || a->dead || !a->alive || a->cut_off_until_ms > sim_now(w->s).ms)
		return;
	uint64_t what = sim_below(w->s, 5);
	if (what == 0) /* with it */
		kill_neighbour(w, a, ms);
	switch (what) {
	case 0:
	case 1:
	case 2:
		host_die(a);
		sim_after(w->s, ms, boot_host, a, (sot_str){0});
		break;
	case 3:
		agent_crash(a);
		sim_after(w->s, ms, restart_agent, a, (sot_str){0});
		break;
	default:
		a->cut_off_until_ms = sim_now(w->s).ms + ms;
		break;
	}
}

static void disturb(world *w)
{
	node *n = &w->nodes[sim_below(w->s, NODES)];
	agent *a = &w->agents[sim_below(w->s, HOSTS)];
	int64_t ms = 500 + (int64_t)sim_below(w->s, 8000);

	switch (sim_below(w->s, 40)) {
	case 0:
		if (n->alive)
			node_crash(n);
		break;
	case 1:
		n->paused_until_ms = sim_now(w->s).ms + ms;
		break;
	case 2:
		if (a->alive && a->registered) {
			agent_crash(a);
			sim_after(w->s, ms, restart_agent, a, (sot_str){0});
		}
		break;
	case 3:
		cut_somewhere(w);
		break;
	case 4:
		if (sim_chance(w->s, 400))
			disturb_host(w, a);
		break;
	case 5:
		ipam_restart(w);
		break;
	default:
		break;
	}
}

static void mend(world *w)
{
	w->faults_on = false;
	w->faults = (sim_faults){.delay_min_ms = 1, .delay_max_ms = 5};
	for (int n = 0; n < NODES; n++)
		w->nodes[n].paused_until_ms = 0;
}

/* ---- the run ---- */

static void on_tick(void *self, sot_str data)
{
	world *w = self;
	int64_t now = sim_now(w->s).ms;

	(void)data;
	for (int n = 0; n < NODES; n++) {
		if (!w->nodes[n].alive && !restore_holds_services(w) && sim_chance(w->s, 300))
			restart_node(&w->nodes[n], (sot_str){0});
		node_tick(&w->nodes[n]);
	}
	for (int a = 0; a < HOSTS; a++) {
		if (w->agents[a].registered && w->agents[a].start_id == 0 && !w->agents[a].dead)
			agent_start(&w->agents[a]);
		agent_tick(&w->agents[a]);
	}
	if (now < WORK_MS) {
		if (w->request_count <= HOSTS || sim_chance(w->s, w->scales ? 400 : 150))
			client_step(w);
		disturb(w);
	} else if (w->faults_on) {
		mend(w);
	} else if (now / TICK_MS % 20 == 0) {
		client_resume(w);
	}
	restore_tick(w);
	client_tick(w);
	sim_after(w->s, TICK_MS, on_tick, w, (sot_str){0});
}

static bool is_at_rest(const world *w)
{
	for (size_t k = 0; k < w->request_count; k++) {
		if (!w->requests[k].answered)
			return false;
	}
	for (int a = 0; a < HOSTS; a++) {
		if (w->agents[a].dead || !w->agents[a].alive ||
		    w->agents[a].cut_off_until_ms > sim_now(w->s).ms)
			return false;
	}
	return store_model_count_open(w->store) == 0 && store_model_departure_count(w->store) == 0;
}

bool world_run(world *w)
{
	int64_t quiet_since = WORK_MS;

	if (w->restores)
		restore_plan(w);
	w->faults_on = true;
	w->faults = (sim_faults){(unsigned)sim_below(w->s, 60), (unsigned)sim_below(w->s, 60),
	    (unsigned)sim_below(w->s, 2) * 20, 1, 1 + (int64_t)sim_below(w->s, 300)};
	for (int n = 0; n < NODES; n++)
		node_start(&w->nodes[n]);
	on_tick(w, (sot_str){0});
	while (!w->failure[0] && sim_step(w->s)) {
		int64_t now = sim_now(w->s).ms;
		check_always(w);
		if (now < WORK_MS + 1000)
			continue;
		if (now > WORK_MS + REST_MS) {
			check_end(w);
			break;
		}
		if (!is_at_rest(w))
			quiet_since = now;
		if (now - quiet_since > 60000) { /* retirements behind ended operations go on */
			check_end(w);
			break;
		}
	}
	return w->failure[0] == '\0';
}
