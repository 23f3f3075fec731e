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

world *world_new(uint64_t seed, bool plant_double_release)
{
	world *w = sot_alloc(sizeof(*w));
	static const plan_row plan = {"tiny", 100, 134217728, 1073741824, 0};

	w->s = sim_new(seed);
	w->seed = seed;
	w->plant_double_release = plant_double_release;
	w->store = store_model_new();
	store_model_add_plan(w->store, &plan);
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
		if (!w->nodes[n].alive && sim_chance(w->s, 300))
			restart_node(&w->nodes[n], (sot_str){0});
		node_tick(&w->nodes[n]);
	}
	for (int a = 0; a < HOSTS; a++) {
		if (w->agents[a].registered && w->agents[a].start_id == 0)
			agent_start(&w->agents[a]);
		agent_tick(&w->agents[a]);
	}
	if (now < WORK_MS) {
		if (w->request_count <= HOSTS || sim_chance(w->s, 150))
			client_step(w);
		disturb(w);
	} else if (w->faults_on) {
		mend(w);
	}
	client_tick(w);
	sim_after(w->s, TICK_MS, on_tick, w, (sot_str){0});
}

static bool is_at_rest(const world *w)
{
	for (size_t k = 0; k < w->request_count; k++) {
		if (!w->requests[k].answered)
			return false;
	}
	return store_model_count_open(w->store) == 0;
}

bool world_run(world *w)
{
	int64_t quiet_since = 0;

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
