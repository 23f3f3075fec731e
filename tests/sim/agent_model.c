/* A host's agent: a durable desired set, containers that outlive it, statuses until acknowledged.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEAT_MS 5000

static bool is_cut_off(const agent *a)
{
	return sim_now(a->w->s).ms < a->cut_off_until_ms;
}

static void send(agent *a, const sot_buf *frame)
{
	if (is_cut_off(a))
		return;
	sim_link_send(a->to_node[a->talks_to], sot_buf_str(frame));
}

static const char *boot_id(const agent *a, char dst[static 16])
{
	(void)snprintf(dst, 16, "boot-%u", a->boots);
	return dst;
}

static sot_ip address_of(const agent *a)
{
	return sot_ip_from_v4(0x0a000001u + (uint32_t)a->number);
}

static void say_hello(agent *a)
{
	char boot[16];
	SOT_AUTO_BUF frame = {0};
	sot_err err = {0};
	sot_hello m = {.protocol_version = 1,
	    .boot_id = sot_str_c(boot_id(a, boot)),
	    .agent_start_id = a->start_id,
	    .generation = a->generation,
	    .epoch = a->epoch,
	    .agent_version = SOT_STR("sim"),
	    .hostname = SOT_STR("sim"),
	    .kernel = SOT_STR("sim"),
	    .docker_version = SOT_STR("20.10"),
	    .cpu_milli = 4000,
	    .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40,
	    .address = address_of(a)};

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	a->changed = true;
	if (sot_hello_encode(&m, &frame, &err) == SOT_OK)
		send(a, &frame);
}

void agent_start(agent *a)
{
	if (a->dead)
		return;
	a->alive = true;
	a->start_id = sim_below(a->w->s, UINT64_MAX) | 1;
	a->seq = a->acked_seq = 0;
	a->talks_to = (int)sim_below(a->w->s, NODES);
	a->next_beat_ms = 0;
	/* That nobody answered when it asked for an address is forgotten, that somebody has it is not:
	 * a new order may be late. */
	for (size_t k = 0; k < a->count; k++) {
		container *c = &a->containers[k];
		c->probed = c->running || c->contested ? c->probed : 0;
	}
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

void host_die(agent *a)
{
	agent_crash(a);
	a->dead = true;
	a->deaths++;
	a->died_at_ms = sim_now(a->w->s).ms;
	for (size_t k = 0; k < a->count; k++)
		a->containers[k].running = false;
}

/* The agent asks what it shall run before it starts anything. */
void host_boot(agent *a)
{
	a->dead = a->may_start = false;
	a->boots++;
	for (size_t k = 0; k < a->count; k++) {
		a->containers[k].done_generation = 0;
		a->containers[k].reported_retired = false;
	}
	agent_start(a);
}

/* Who runs a container with that address now; NULL when nobody does. */
static const container *running_with(world *w, uint32_t address, const agent *but)
{
	for (int k = 0; k < HOSTS; k++) {
		const agent *a = &w->agents[k];
		for (size_t n = 0; a != but && n < a->count; n++) {
			if (a->containers[n].running && a->containers[n].bound == address)
				return &a->containers[n];
		}
	}
	return NULL;
}

static container *find(agent *a, sot_uuid id, bool make)
{
	for (size_t k = 0; k < a->count; k++) {
		if (sot_uuid_eq(a->containers[k].instance_id, id))
			return &a->containers[k];
	}
	if (!make)
		return NULL;
	if (a->count == CONTAINERS_MAX) {
		world_fail(a->w, "the simulated host %d has no room for another container", a->number);
		return NULL;
	}
	container *c = &a->containers[a->count++];
	*c = (container){.instance_id = id, .told_ms = sim_now(a->w->s).ms};
	return c;
}

static void take_spec(agent *a, const sot_instance_spec *spec, bool is_set)
{
	container *c = find(a, spec->instance_id, true);

	bool is_new = is_set || (c && c->is_unknown);

	if (!c || (spec->generation < c->spec.generation && !is_new))
		return;
	if (spec->generation < c->spec.generation)
		c->done_generation = 0; /* the database went back: carried out anew */
	c->is_unknown = false;
	c->spec.restart_seq = spec->restart_seq;
	if (spec->desired != SOT_DESIRED_STATE_RETIRED && c->reported_retired && !c->contested)
		c->probed = 0; /* it came back: nothing is left of its first stay */
	/* Retired once more, by a later order (it was to come back, and then was not): told again. */
	c->reported_retired = c->reported_retired && spec->generation == c->spec.generation;
	c->spec.generation = spec->generation;
	c->spec.desired = spec->desired;
	c->spec.address = sot_ip_v4(spec->address);
	c->spec.address_generation = spec->address_generation;
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
	bool is_set = a->w->backup.is_back && m.from_generation == 0;
	/* What exists and is not told of is left alone, what was to be made is not made. */
	for (size_t k = 0; is_set && k < a->count; k++)
		a->containers[k].is_unknown = true;
	/* The sets of these runs fit one part; more parts would be collected first. */
	for (size_t k = 0; k < m.instances_count; k++)
		take_spec(a, &m.instances[k], is_set);
	if (m.part + 1 == m.parts) {
		a->generation = m.generation;
		a->may_start = true;
	}
}

/* Cut off is the network of the machine; its VLANs are another one. */
static void on_probe(agent *a, sot_str frame, sot_arena *arena)
{
	SOT_AUTO_BUF out = {0};
	sot_host_probe m;
	sot_probe_answer answers[16] = {0};
	sot_err err = {0};
	world *w = a->w;

	if (sot_host_probe_decode(frame, arena, &m, &err) != SOT_OK) {
		world_fail(w, "agent %d cannot read a probe: %s", a->number, err.text);
		return;
	}
	sot_host_probed reply = {.request_id = m.request_id,
	    .host = SOT_PROBE_ANSWER_UNKNOWN,
	    .targets = answers,
	    .targets_count = m.targets_count};
	for (int k = 0; k < HOSTS; k++) {
		const agent *other = &w->agents[k];
		if (sot_ip_eq(address_of(other), m.host))
			reply.host = other->dead || is_cut_off(other) ? SOT_PROBE_ANSWER_SILENT
			                                              : SOT_PROBE_ANSWER_ANSWERED;
	}
	for (size_t k = 0; k < m.targets_count; k++)
		answers[k] = running_with(w, sot_ip_v4(m.targets[k].address), NULL)
		                 ? SOT_PROBE_ANSWER_ANSWERED
		                 : SOT_PROBE_ANSWER_SILENT;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_host_probed_encode(&reply, &out, &err) == SOT_OK)
		send(a, &out);
}

/* The command of a rollout: now and then it fails, or the answer does not come. */
static void on_rotate(agent *a, sot_str frame, sot_arena *arena)
{
	SOT_AUTO_BUF out = {0};
	sot_rotate m;
	sot_err err = {0};

	if (sot_rotate_decode(frame, arena, &m, &err) != SOT_OK) {
		world_fail(a->w, "agent %d cannot read a rotate: %s", a->number, err.text);
		return;
	}
	if (m.epoch < a->epoch || sim_chance(a->w->s, 200))
		return;
	sot_rotated reply = {.operation_id = m.operation_id,
	    .ordinal = m.ordinal,
	    .instance_id = m.instance_id,
	    .ok = !sim_chance(a->w->s, 30),
	    .text = SOT_STR("as the dice say")};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	if (sot_rotated_encode(&reply, &out, &err) == SOT_OK)
		send(a, &out);
}

void agent_on_frame(void *self, sot_str data)
{
	agent *a = self;
	SOT_AUTO(sot_arena) arena = sot_arena_new(4u << 20);
	sot_wire_head head;
	sot_err err = {0};
	sot_heartbeat_ack ack;
	sot_status_ack status_ack;

	if (!a->alive || is_cut_off(a) || sot_wire_peek(data, &head, &err) != SOT_OK)
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
		else if (ack.epoch >= a->epoch)
			a->may_start = true; /* the leader knows of the boot: what it was told stands */
	} else if (head.id == SOT_MSG_STATUS_ACK &&
	           sot_status_ack_decode(data, arena, &status_ack, &err) == SOT_OK) {
		if (status_ack.agent_start_id == a->start_id)
			a->acked_seq = status_ack.seq;
	} else if (head.id == SOT_MSG_HOST_PROBE) {
		on_probe(a, data, arena);
	} else if (head.id == SOT_MSG_ROTATE) {
		on_rotate(a, data, arena);
	}
}

/* A new address is probed before it is used; now and then a stranger answers. It is contested then
 * until another is told, or the same one as another holding. */
static bool is_contested(agent *a, container *c)
{
	bool is_given_anew = c->contested && c->probed_holding != c->spec.address_generation;

	if (c->probed != c->spec.address || is_given_anew) {
		c->probed = c->spec.address;
		c->probed_holding = c->spec.address_generation;
		const container *other = running_with(a->w, c->spec.address, NULL);
		bool is_strange = other && !sot_uuid_eq(other->instance_id, c->instance_id);
		c->contested = is_strange || (!c->exists && sim_chance(a->w->s, 60)) ? c->spec.address : 0;
		a->changed = true;
	}
	return c->contested != 0;
}

/* One step of one container towards its spec; returns whether something changed. */
static bool converge(agent *a, container *c)
{
	if (c->is_unknown)
		return false;
	if (c->spec.desired == SOT_DESIRED_STATE_RETIRED) {
		if (c->reported_retired)
			return false;
		c->exists = c->running = false;
		c->reported_retired = true;
		c->done_generation = c->spec.generation;
		return true;
	}
	c->reported_retired = false;
	if (is_contested(a, c)) {
		c->has_waited = true;
		c->done_generation = c->spec.generation;
		return false;
	}
	const container *copy = running_with(a->w, c->spec.address, a);
	if (c->spec.desired != SOT_DESIRED_STATE_STOPPED && !c->running && copy &&
	    sot_uuid_eq(copy->instance_id, c->instance_id)) {
		a->changed |= c->elsewhere != c->spec.address || c->done_generation != c->spec.generation;
		c->elsewhere = c->spec.address;
		c->has_waited = true;
		c->done_generation = c->spec.generation;
		return false;
	}
	c->elsewhere = 0;
	/* It looks at what is there: after a restore a generation may say something else than before.
	 */
	if (c->exists && c->done_generation == c->spec.generation &&
	    c->running == (c->spec.desired != SOT_DESIRED_STATE_STOPPED))
		return false;
	if (c->progress++ < 2 && sim_chance(a->w->s, 700))
		return true;
	c->progress = 0;
	c->exists = true;
	c->running = c->spec.desired != SOT_DESIRED_STATE_STOPPED;
	c->frozen = c->spec.desired == SOT_DESIRED_STATE_FROZEN;
	c->bound = c->spec.address;
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
	bool held = contested || (c->elsewhere != 0 && !c->running && !retired);

	return (sot_instance_status){
	    .instance_id = c->instance_id,
	    .generation = c->done_generation,
	    .restart_seq = c->done_restart_seq,
	    .observed = retired       ? SOT_OBSERVED_STATE_RETIRED
	                : bad || held ? SOT_OBSERVED_STATE_FAILED
	                : c->frozen   ? SOT_OBSERVED_STATE_FROZEN
	                : c->running  ? SOT_OBSERVED_STATE_RUNNING
	                : c->exists   ? SOT_OBSERVED_STATE_STOPPED
	                              : SOT_OBSERVED_STATE_PENDING,
	    .health = c->running && !c->frozen && !bad ? SOT_HEALTH_HEALTHY : SOT_HEALTH_UNKNOWN,
	    .version = sot_str_c(c->version),
	    .error = bad ? SOT_STR("exits with 1") : SOT_STR(""),
	    .conflict_address = contested ? sot_ip_from_v4(c->contested) : (sot_ip){0},
	    .conflict_mac = {{0x52, 0x54, 0, 0, 0, 1}},
	    .elsewhere_address = c->elsewhere ? sot_ip_from_v4(c->elsewhere) : (sot_ip){0},
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
	for (size_t k = 0; a->may_start && k < a->count; k++)
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
