/* A host's agent: a durable desired set, containers that outlive it, statuses until acknowledged.
 */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define BEAT_MS 5000

static void send(agent *a, const sot_buf *frame)
{
	sim_link_send(a->to_node[a->talks_to], sot_buf_str(frame));
}

static void say_hello(agent *a)
{
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};
	sot_hello m = {.protocol_version = 1,
	    .boot_id = SOT_STR("boot"),
	    .agent_start_id = a->start_id,
	    .generation = a->generation,
	    .epoch = a->epoch,
	    .agent_version = SOT_STR("sim"),
	    .hostname = SOT_STR("sim"),
	    .kernel = SOT_STR("sim"),
	    .docker_version = SOT_STR("20.10"),
	    .cpu_milli = 4000,
	    .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40};

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	a->changed = true;
	if (sot_hello_encode(&m, &frame, &err) == SOT_OK)
		send(a, &frame);
}

void agent_start(agent *a)
{
	a->alive = true;
	a->start_id = sim_below(a->w->s, UINT64_MAX) | 1;
	a->seq = a->acked_seq = 0;
	a->talks_to = (int)sim_below(a->w->s, NODES);
	a->next_beat_ms = 0;
	say_hello(a);
}

void agent_crash(agent *a)
{
	a->alive = false;
	for (int n = 0; n < NODES; n++) {
		sim_link_reset(a->to_node[n]);
		sim_link_reset(a->from_node[n]);
	}
}

static container *find(agent *a, sot_uuid id, bool make)
{
	for (size_t k = 0; k < a->count; k++) {
		if (sot_uuid_eq(a->containers[k].instance_id, id))
			return &a->containers[k];
	}
	if (!make || a->count == CONTAINERS_MAX)
		return NULL;
	container *c = &a->containers[a->count++];
	*c = (container){.instance_id = id};
	return c;
}

static void take_spec(agent *a, const sot_instance_spec *spec)
{
	container *c = find(a, spec->instance_id, true);

	if (!c || spec->generation < c->spec.generation)
		return;
	c->spec.generation = spec->generation;
	c->spec.restart_seq = spec->restart_seq;
	c->spec.desired = spec->desired;
	c->spec.address = sot_ip_v4(spec->address);
	memcpy(c->spec.version, spec->version.p ? spec->version.p : "", spec->version.n);
	c->spec.version[spec->version.n] = '\0';
	a->changed = true;
}

static void on_assign(agent *a, sot_str frame, sot_arena *arena)
{
	sot_assign m;
	sot_err err = {0};

	if (sot_assign_decode(frame, arena, &m, &err) != SOT_OK) {
		world_fail(a->w, "agent %d cannot read an assign: %s", a->number, err.text);
		return;
	}
	if (m.epoch < a->epoch)
		return;
	a->epoch = m.epoch;
	if (m.from_generation != 0 && m.from_generation != a->generation) {
		say_hello(a);
		return;
	}
	/* The sets of these runs fit one part; more parts would be collected first. */
	for (size_t k = 0; k < m.instances_count; k++)
		take_spec(a, &m.instances[k]);
	if (m.part + 1 == m.parts)
		a->generation = m.generation;
}

void agent_on_frame(void *self, sot_str data)
{
	agent *a = self;
	SOT_AUTO(sot_arena) arena = sot_arena_new(4u << 20);
	sot_wire_head head;
	sot_err err = {0};
	sot_heartbeat_ack ack;
	sot_status_ack status_ack;

	if (!a->alive || sot_wire_peek(data, &head, &err) != SOT_OK)
		return;
	if (head.id == SOT_MSG_ASSIGN) {
		on_assign(a, data, arena);
	} else if (head.id == SOT_MSG_NOT_LEADER) {
		a->talks_to = (a->talks_to + 1) % NODES;
		a->next_beat_ms = sim_now(a->w->s).ms + 1000;
		a->hello_is_due = true;
	} else if (head.id == SOT_MSG_HEARTBEAT_ACK &&
	           sot_heartbeat_ack_decode(data, arena, &ack, &err) == SOT_OK) {
		if (ack.epoch >= a->epoch && ack.generation != a->generation)
			say_hello(a);
	} else if (head.id == SOT_MSG_STATUS_ACK &&
	           sot_status_ack_decode(data, arena, &status_ack, &err) == SOT_OK) {
		if (status_ack.agent_start_id == a->start_id)
			a->acked_seq = status_ack.seq;
	}
}

/* A new address is probed before it is used; now and then a stranger answers. True while one does.
 */
static bool is_contested(agent *a, container *c)
{
	if (c->probed != c->spec.address) {
		c->probed = c->spec.address;
		c->contested = !c->exists && sim_chance(a->w->s, 60) ? c->spec.address : 0;
		a->changed = true;
	}
	return c->contested != 0;
}

/* One step of one container towards its spec; returns whether something changed. */
static bool converge(agent *a, container *c)
{
	if (c->spec.desired == SOT_DESIRED_STATE_RETIRED) {
		if (c->reported_retired)
			return false;
		c->exists = c->running = false;
		c->reported_retired = true;
		c->done_generation = c->spec.generation;
		return true;
	}
	if (is_contested(a, c)) {
		c->done_generation = c->spec.generation;
		return false;
	}
	if (c->done_generation == c->spec.generation &&
	    c->running == (c->spec.desired == SOT_DESIRED_STATE_RUNNING))
		return false;
	if (c->progress++ < 2 && sim_chance(a->w->s, 700))
		return true;
	c->progress = 0;
	c->exists = true;
	c->running = c->spec.desired == SOT_DESIRED_STATE_RUNNING;
	memcpy(c->version, c->spec.version, sizeof(c->version));
	c->done_generation = c->spec.generation;
	c->done_restart_seq = c->spec.restart_seq;
	return true;
}

static sot_instance_status status_of(const container *c)
{
	bool retired = c->spec.desired == SOT_DESIRED_STATE_RETIRED && c->reported_retired;
	bool bad = strcmp(c->version, "bad") == 0 && c->running;
	bool contested = c->contested != 0 && !retired;

	return (sot_instance_status){
	    .instance_id = c->instance_id,
	    .generation = c->done_generation,
	    .restart_seq = c->done_restart_seq,
	    .observed = retired            ? SOT_OBSERVED_STATE_RETIRED
	                : bad || contested ? SOT_OBSERVED_STATE_FAILED
	                : c->running       ? SOT_OBSERVED_STATE_RUNNING
	                : c->exists        ? SOT_OBSERVED_STATE_STOPPED
	                                   : SOT_OBSERVED_STATE_PENDING,
	    .health = c->running && !bad ? SOT_HEALTH_HEALTHY : SOT_HEALTH_UNKNOWN,
	    .version = sot_str_c(c->version),
	    .error = bad ? SOT_STR("exits with 1") : SOT_STR(""),
	    .conflict_address = contested ? sot_ip_from_v4(c->contested) : (sot_ip){0},
	    .conflict_mac = {{0x52, 0x54, 0, 0, 0, 1}},
	};
}

static void send_status(agent *a)
{
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};
	sot_instance_status *list = sot_alloc_array(a->count + 1, sizeof(*list));
	sot_status m = {.boot_id = SOT_STR("boot"),
	    .agent_start_id = a->start_id,
	    .seq = a->seq,
	    .full = true,
	    .instances = list,
	    .instances_count = a->count};

	for (size_t k = 0; k < a->count; k++)
		list[k] = status_of(&a->containers[k]);
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_status_encode(&m, &frame, &err) == SOT_OK)
		send(a, &frame);
	else
		world_fail(a->w, "status cannot be encoded: %s", err.text);
	free(list);
}

static void send_beat(agent *a)
{
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};
	sot_heartbeat m = {SOT_STR("boot"), a->generation, true, (uint32_t)a->count};

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	if (sot_heartbeat_encode(&m, &frame, &err) == SOT_OK)
		send(a, &frame);
}

void agent_tick(agent *a)
{
	int64_t now = sim_now(a->w->s).ms;

	if (!a->alive || !a->registered)
		return;
	for (size_t k = 0; k < a->count; k++)
		a->changed |= converge(a, &a->containers[k]);
	if (a->changed) {
		a->seq++;
		a->changed = false;
	}
	if (a->acked_seq < a->seq)
		send_status(a);
	if (now >= a->next_beat_ms) {
		a->next_beat_ms = now + BEAT_MS;
		if (a->hello_is_due) {
			a->hello_is_due = false;
			say_hello(a);
		}
		/* A silent leader: try the other one. */
		if (sim_chance(a->w->s, 50)) {
			a->talks_to = (a->talks_to + 1) % NODES;
			say_hello(a);
		}
		send_beat(a);
	}
}
