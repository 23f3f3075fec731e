/* A scheduler process: the real core in a shell of the simulator. The rules are those of the real
 * shell: effects after the commit; any other outcome throws the memory and the epoch away. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define LEASE_MS 3000
#define IPAM_RESEND_MS 1500
#define IPAM_GIVE_UP_MS 5000

/* ---- leadership ---- */

static void forget_asked(node *n)
{
	for (size_t k = 0; k < n->asked_count; k++)
		sot_buf_clear(&n->asked[k].frame);
	n->asked_count = 0;
	n->wave_is_begun = false;
}

static void drop_memory(node *n)
{
	n->c = controller_free(n->c);
	n->inflight = controller_batch_free(n->inflight);
	n->rows = store_rows_free(n->rows);
	n->next = controller_batch_free(n->next);
	n->next_rows = store_rows_free(n->next_rows);
	n->epoch = 0;
	n->life++;
	forget_asked(n);
}

void node_start(node *n)
{
	n->alive = true;
	n->epoch = 0;
}

void node_crash(node *n)
{
	n->alive = false;
	drop_memory(n);
	sim_link_reset(n->to_ipam);
	sim_link_reset(n->from_ipam);
	for (int k = 0; k < HOSTS; k++) {
		sim_link_reset(n->w->agents[k].to_node[n->number]);
		sim_link_reset(n->w->agents[k].from_node[n->number]);
	}
	sim_link_reset(n->w->client_to[n->number]);
	sim_link_reset(n->w->client_from[n->number]);
}

static void take_over(node *n, uint64_t epoch)
{
	controller_config config = controller_config_default(epoch);
	sot_err err = {0};

	config.wait_deadline_ms = 60000; /* rules that nothing satisfies queue up behind each other */
	config.start_deadline_ms = START_DEADLINE_MS;
	config.starts_per_host = STARTS_PER_HOST;
	config.starts_in_all = STARTS_IN_ALL;
	config.pulls_per_image = 2;
	config.syncs_per_s = 20;
	config.healthy_deadline_ms = 60000;
	n->epoch = epoch;
	n->c = controller_new(&config, sim_below(n->w->s, UINT64_MAX));
	if (store_model_load(n->w->store, n->c, &err) != SOT_OK)
		world_fail(n->w, "take-over: %s", err.text);
	controller_loaded(n->c, world_now(n->w));
}

static bool is_awake(const node *n)
{
	return n->alive && sim_now(n->w->s).ms >= n->paused_until_ms;
}

static void lead(node *n)
{
	uint64_t epoch =
	    store_model_lead(n->w->store, n->number, n->epoch, sim_now(n->w->s).ms, LEASE_MS);

	if (epoch == n->epoch && n->epoch != 0)
		return;
	if (n->epoch != 0)
		drop_memory(n);
	if (epoch != 0)
		take_over(n, epoch);
}

/* ---- effects ---- */

static void ask_ipam(node *n, const controller_effect *e, bool is_early)
{
	if (n->asked_count == REQUESTS_MAX) {
		world_fail(n->w, "more than %d open requests to ipam", REQUESTS_MAX);
		return;
	}
	int64_t now = sim_now(n->w->s).ms;
	size_t k = n->asked_count++;
	n->asked[k].request_id = e->request_id;
	n->asked[k].is_early = is_early;
	sot_buf_init(&n->asked[k].frame, SOT_WIRE_FRAME_MAX);
	sot_buf_add_str(&n->asked[k].frame, sot_buf_str(&e->frame));
	n->asked[k].resend_ms = now + IPAM_RESEND_MS;
	n->asked[k].give_up_ms = now + IPAM_GIVE_UP_MS;
	sim_link_send(n->to_ipam, sot_buf_str(&e->frame));
}

static void carry_out(node *n, const controller_effect *e)
{
	world *w = n->w;

	if (e->kind == EFFECT_IPAM) {
		ask_ipam(n, e, false);
	} else if (e->kind == EFFECT_REPLY) {
		sim_link_send(w->client_from[n->number], sot_buf_str(&e->frame));
	} else if (e->kind == EFFECT_AGENT) {
		for (int k = 0; k < HOSTS; k++) {
			if (sot_uuid_eq(w->agents[k].host_id, e->host_id))
				sim_link_send(w->agents[k].from_node[n->number], sot_buf_str(&e->frame));
		}
	}
}

static void committed(node *n)
{
	controller_batch *b = SOT_TAKE(n->inflight);

	n->rows = store_rows_free(n->rows);
	for (size_t k = 0; k < b->effect_count; k++)
		carry_out(n, &b->effects[k]);
	controller_batch_free(b);
	node_settle(n);
}

static void on_commit(void *self, sot_str data)
{
	node *n = self;
	world *w = n->w;
	sot_err err = {0};
	uint64_t life;

	memcpy(&life, data.p, sizeof(life));
	if (!n->alive || life != n->life)
		return;
	bool lost_before = w->faults_on && sim_chance(w->s, 5);
	bool lost_after = w->faults_on && sim_chance(w->s, 5);
	sot_code code =
	    lost_before ? SOT_UNKNOWN : store_model_commit(w->store, n->epoch, n->rows, &err);
	if (code == SOT_CONFLICT)
		world_fail(w, "the database refused a batch: %s", err.text);
	if (code == SOT_OK && n->epoch < w->highest_epoch)
		world_fail(w, "a commit with epoch %llu after %llu", (unsigned long long)n->epoch,
		    (unsigned long long)w->highest_epoch);
	if (code == SOT_OK)
		w->highest_epoch = n->epoch;
	if (code == SOT_OK && w->faults_on && sim_chance(w->s, 5)) {
		node_crash(n); /* after the commit, before its effects */
		return;
	}
	if (code == SOT_OK && !lost_after) {
		committed(n);
		return;
	}
	store_model_resign(w->store, n->number, n->epoch);
	drop_memory(n);
}

/* As the real shell's waves: ipam is asked before the batch is taken, which then waits a while. */
static bool waits_for_wave(node *n)
{
	int64_t now = sim_now(n->w->s).ms;

	if (!n->wave_is_begun) {
		controller_batch *asks;
		while ((asks = controller_ask_early(n->c, world_now(n->w))) != NULL) {
			for (size_t k = 0; k < asks->effect_count; k++)
				ask_ipam(n, &asks->effects[k], true);
			controller_batch_free(asks);
		}
		n->wave_is_begun = true;
		n->wave_until_ms = now + (int64_t)sim_below(n->w->s, 60);
	}
	for (size_t k = 0; k < n->asked_count; k++) {
		if (n->asked[k].is_early && now < n->wave_until_ms)
			return true;
	}
	return false;
}

/* A batch is taken, and its rows are fixed, while the one before it commits. */
void node_settle(node *n)
{
	if (!n->c)
		return;
	if (!n->next) {
		if (waits_for_wave(n))
			return;
		n->wave_is_begun = false;
		n->next = controller_take_batch(n->c, world_now(n->w));
		n->next_rows = n->next ? store_rows_copy(n->next) : NULL;
	}
	if (n->inflight || !n->next)
		return;
	n->inflight = SOT_TAKE(n->next);
	n->rows = SOT_TAKE(n->next_rows);
	if (!controller_batch_has_rows(n->inflight)) {
		committed(n);
		return;
	}
	sim_after(n->w->s, 1 + (int64_t)sim_below(n->w->s, 15), on_commit, n,
	    (sot_str){(const char *)&n->life, sizeof(n->life)});
}

/* ---- what arrives ---- */

static void refuse_client(node *n, sot_str data)
{
	SOT_AUTO_BUF frame = {0};
	sot_wire_head head = {0};
	sot_err err = {0};

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_wire_peek(data, &head, &err) != SOT_OK)
		return;
	sot_refused m = {
	    .request_id = head.request_id, .code = SOT_REFUSAL_NOT_LEADER, .text = SOT_STR("standby")};
	if (sot_refused_encode(&m, &frame, &err) == SOT_OK)
		sim_link_send(n->w->client_from[n->number], sot_buf_str(&frame));
}

void node_on_client(void *self, sot_str data)
{
	node *n = self;
	static const controller_peer peer;

	if (!is_awake(n))
		return;
	if (!n->c) {
		refuse_client(n, data);
		return;
	}
	controller_request(n->c, world_now(n->w), &peer, data);
	node_settle(n);
}

void node_on_agent(node *n, const agent *a, sot_str data)
{
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};
	sot_not_leader no = {0};

	if (!is_awake(n))
		return;
	if (n->c) {
		(void)controller_agent_message(n->c, world_now(n->w), a->host_id, data, &err);
		node_settle(n);
		return;
	}
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_not_leader_encode(&no, &frame, &err) == SOT_OK)
		sim_link_send(a->from_node[n->number], sot_buf_str(&frame));
}

void node_on_ipam(void *self, sot_str data)
{
	node *n = self;
	sot_wire_head head = {0};
	sot_err err = {0};

	if (!is_awake(n) || !n->c || sot_wire_peek(data, &head, &err) != SOT_OK)
		return;
	for (size_t k = 0; k < n->asked_count; k++) {
		if (n->asked[k].request_id != head.request_id)
			continue;
		sot_buf_clear(&n->asked[k].frame);
		n->asked[k] = n->asked[--n->asked_count];
		controller_ipam_reply(n->c, world_now(n->w), head.request_id, SOT_OK, data, NULL);
		node_settle(n);
		return;
	}
}

static void repeat_asked(node *n)
{
	int64_t now = sim_now(n->w->s).ms;

	for (size_t k = 0; k < n->asked_count; k++) {
		if (now >= n->asked[k].give_up_ms) {
			uint64_t id = n->asked[k].request_id;
			sot_buf_clear(&n->asked[k].frame);
			n->asked[k] = n->asked[--n->asked_count];
			controller_ipam_reply(n->c, world_now(n->w), id, SOT_UNAVAILABLE, (sot_str){0}, "late");
			k--;
		} else if (now >= n->asked[k].resend_ms) {
			n->asked[k].resend_ms = now + IPAM_RESEND_MS;
			sim_link_send(n->to_ipam, sot_buf_str(&n->asked[k].frame));
		}
	}
}

void node_tick(node *n)
{
	if (!is_awake(n))
		return;
	lead(n);
	if (!n->c)
		return;
	repeat_asked(n);
	controller_tick(n->c, world_now(n->w));
	node_settle(n);
}
