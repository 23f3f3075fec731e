#include "controller_bench.h"

static void look_plan(bench *b, sot_str frame)
{
	sot_drain_planned m;
	sot_err err;

	assert_int_equal(sot_drain_planned_decode(frame, b->arena, &m, &err), SOT_OK);
	b->planned_moves = m.moves;
	b->planned_stays = m.stays;
	if (m.instances_count == 0)
		return;
	(void)snprintf(b->planned_to, sizeof(b->planned_to), "%.*s", SOT_ARG(m.instances[0].to));
	(void)snprintf(b->planned_why, sizeof(b->planned_why), "%.*s", SOT_ARG(m.instances[0].why));
}

static void look_reply(bench *b, sot_str frame)
{
	sot_wire_head head;
	sot_refused no;
	sot_err err;

	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	b->reply = head.id;
	if (head.id == SOT_MSG_ACCEPTED) {
		assert_int_equal(sot_accepted_decode(frame, b->arena, &b->accepted, &err), SOT_OK);
	} else if (head.id == SOT_MSG_ANSWER) {
		sot_answer told;
		assert_int_equal(sot_answer_decode(frame, b->arena, &told, &err), SOT_OK);
		(void)snprintf(b->answer, sizeof(b->answer), "%.*s", SOT_ARG(told.body));
		(void)snprintf(b->etag, sizeof(b->etag), "%.*s", SOT_ARG(told.etag));
	} else if (head.id == SOT_MSG_INSIDE) {
		sot_inside seen;
		assert_int_equal(sot_inside_decode(frame, b->arena, &seen, &err), SOT_OK);
		(void)snprintf(b->answer, sizeof(b->answer), "%.*s", SOT_ARG(seen.text));
	} else if (head.id == SOT_MSG_DRAIN_PLANNED) {
		look_plan(b, frame);
	} else if (head.id == SOT_MSG_REFUSED) {
		assert_int_equal(sot_refused_decode(frame, b->arena, &no, &err), SOT_OK);
		b->refusal = no.code;
		(void)snprintf(b->text, sizeof(b->text), "%.*s", SOT_ARG(no.text));
		(void)snprintf(b->pointer, sizeof(b->pointer), "%.*s", SOT_ARG(no.pointer));
	}
}

static void look_conflict(bench *b, sot_str frame)
{
	sot_addresses_conflict m;
	sot_err err;

	assert_int_equal(sot_addresses_conflict_decode(frame, b->arena, &m, &err), SOT_OK);
	assert_int_equal(m.conflicts_count, 1);
	b->conflict = m.conflicts[0];
}

static void look_ipam(bench *b, const controller_effect *e)
{
	sot_wire_head head;
	sot_addresses_acquire m;
	sot_err err;

	assert_int_equal(sot_wire_peek(sot_buf_str(&e->frame), &head, &err), SOT_OK);
	if (head.id == SOT_MSG_VLANS_READ) {
		b->vlans_id = e->request_id;
		return;
	}
	if (head.id == SOT_MSG_ADDRESSES_FENCE) {
		b->fence_id = e->request_id;
		return;
	}
	b->ipam_id = e->request_id;
	b->ipam_message = head.id;
	if (head.id == SOT_MSG_ADDRESSES_CONFLICT)
		look_conflict(b, sot_buf_str(&e->frame));
	if (head.id != SOT_MSG_ADDRESSES_ACQUIRE)
		return;
	assert_int_equal(
	    sot_addresses_acquire_decode(sot_buf_str(&e->frame), b->arena, &m, &err), SOT_OK);
	b->acquire_id = e->request_id;
	b->ipam_owners = m.wants_count;
	b->ipam_closed = m.closed;
	for (size_t k = 0; k < m.wants_count; k++)
		b->owners[k] = m.wants[k].owner;
	(void)snprintf(b->wanted_vlan, sizeof(b->wanted_vlan), "%.*s", SOT_ARG(m.wants[0].vlan));
	b->wanted_families = m.wants[0].families;
}

static void keep_told(bench *b, sot_uuid host_id, const sot_instance_spec *spec)
{
	size_t k = 0;

	while (k < b->told_count && !sot_uuid_eq(b->told[k].id, spec->instance_id))
		k++;
	if (k == sizeof(b->told) / sizeof(b->told[0]))
		return;
	b->told_count += k == b->told_count;
	b->told[k].id = spec->instance_id;
	b->told[k].host_id = host_id;
	(void)snprintf(b->told[k].name, sizeof(b->told[k].name), "%.*s", SOT_ARG(spec->name));
	b->told[k].generation = spec->generation;
	b->told[k].desired = spec->desired;
}

static void look_agent(bench *b, const controller_effect *e)
{
	sot_wire_head head;
	sot_assign assign;
	sot_status_ack ack;
	sot_err err;

	assert_int_equal(sot_wire_peek(sot_buf_str(&e->frame), &head, &err), SOT_OK);
	if (head.id == SOT_MSG_ASSIGN) {
		assert_int_equal(
		    sot_assign_decode(sot_buf_str(&e->frame), b->arena, &assign, &err), SOT_OK);
		b->assigned = assign.instances_count;
		for (size_t k = 0; k < assign.instances_count; k++)
			keep_told(b, e->host_id, &assign.instances[k]);
		if (assign.instances_count > 0) {
			b->spec = assign.instances[assign.instances_count - 1];
			b->assigned_host = e->host_id;
		}
	} else if (head.id == SOT_MSG_STATUS_ACK) {
		assert_int_equal(
		    sot_status_ack_decode(sot_buf_str(&e->frame), b->arena, &ack, &err), SOT_OK);
		b->acked_seq = ack.seq;
	} else if (head.id == SOT_MSG_HOST_PROBE) {
		sot_host_probe probe;
		assert_int_equal(
		    sot_host_probe_decode(sot_buf_str(&e->frame), b->arena, &probe, &err), SOT_OK);
		assert_true(b->probe_count < 32);
		b->probes[b->probe_count].witness = e->host_id;
		b->probes[b->probe_count].targets = probe.targets_count;
		b->probes[b->probe_count++].request_id = probe.request_id;
	} else if (head.id == SOT_MSG_AGENT_INSIDE_READ) {
		sot_agent_inside_read look;
		assert_int_equal(
		    sot_agent_inside_read_decode(sot_buf_str(&e->frame), b->arena, &look, &err), SOT_OK);
		assert_true(look.packages || sot_uuid_eq(look.instance_id, b->instance.id));
		b->looks_at_packages = look.packages;
		b->look_id = look.request_id;
	} else if (head.id == SOT_MSG_HEARTBEAT_ACK) {
		sot_heartbeat_ack beat;
		assert_int_equal(
		    sot_heartbeat_ack_decode(sot_buf_str(&e->frame), b->arena, &beat, &err), SOT_OK);
		b->wanted_generation = beat.generation;
	}
}

static void tell_vlans(bench *b)
{
	sot_vlans m = {.request_id = b->vlans_id,
	    .version = 1,
	    .full = !b->vlans_are_as_told,
	    .blocked = sot_str_c(b->blocked),
	    .vlans = b->vlans,
	    .vlans_count = b->vlans_are_as_told ? 0 : b->vlan_count};
	sot_buf out;
	sot_err err = {0};

	b->vlans_id = 0;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_vlans_encode(&m, &out, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, m.request_id, SOT_OK, sot_buf_str(&out), NULL);
	sot_buf_clear(&out);
}

static void look_decision(bench *b, const decision_row *row)
{
	decision_row *to = row->refused ? &b->waiting : &b->placed;
	char *data = row->refused ? b->waiting_data : b->placed_data;

	*to = *row;
	(void)snprintf(data, sizeof(b->placed_data), "%s", row->data);
	to->data = data;
	b->placements += !row->refused;
}

static void note_host(bench *b, const host_row *row)
{
	size_t k = 0;

	while (k < b->host_count && !sot_uuid_eq(b->host_ids[k], row->id))
		k++;
	assert_true(k < 256);
	b->host_count += k == b->host_count;
	b->host_ids[k] = row->id;
	(void)snprintf(b->host_states[k], sizeof(b->host_states[k]), "%s", host_state_name(row->state));
}

static void note_departure(bench *b, const departure_row *row)
{
	size_t k = 0;

	while (
	    k < b->departure_count && !(sot_uuid_eq(b->departures[k].host_id, row->host_id) &&
	                                  sot_uuid_eq(b->departures[k].instance_id, row->instance_id)))
		k++;
	assert_true(k < 16);
	b->departure_count += k == b->departure_count;
	b->departures[k] = *row;
}

const char *bench_host_state(const bench *b, sot_uuid host)
{
	for (size_t k = 0; k < b->host_count; k++) {
		if (sot_uuid_eq(b->host_ids[k], host))
			return b->host_states[k];
	}
	return "";
}

/* False when there was nothing. */
static bool settle_one(bench *b)
{
	SOT_AUTO(controller_batch) batch = controller_take_batch(b->c, b->now);
	if (!batch)
		return false;
	for (size_t k = 0; k < batch->instance_count; k++) {
		instance_row_clear(&b->instance);
		instance_row_copy(&b->instance, batch->instances[k]);
	}
	for (size_t k = 0; k < batch->host_count; k++)
		note_host(b, batch->hosts[k]);
	for (size_t k = 0; k < batch->departure_count; k++)
		note_departure(b, &batch->departures[k]);
	if (batch->writes_brake)
		b->brake = batch->brake;
	/* The last one, or one that waits: what is new comes after it. */
	for (size_t k = 0; k < batch->operation_count; k++) {
		if (k == 0 || batch->operations[k]->waits_for[0] || !b->operation.waits_for[0]) {
			operation_row_clear(&b->operation);
			operation_row_copy(&b->operation, batch->operations[k]);
		}
	}
	for (size_t k = 0; k < batch->log_count; k++) {
		if (batch->logs[k].level != LOG_INFO)
			(void)snprintf(b->warning, sizeof(b->warning), "%s", batch->logs[k].text);
	}
	for (size_t k = 0; k < batch->event_count; k++) {
		if (strcmp(batch->events[k].kind, "operation.state") == 0)
			continue;
		if (b->watch && strcmp(batch->events[k].kind, b->watch) == 0)
			(void)snprintf(b->watched, sizeof(b->watched), "%s", batch->events[k].data);
		(void)snprintf(b->event, sizeof(b->event), "%s", batch->events[k].kind);
		(void)snprintf(b->data, sizeof(b->data), "%s", batch->events[k].data);
	}
	b->guarded += batch->placed_count;
	for (size_t k = 0; k < batch->decision_count; k++)
		look_decision(b, &batch->decisions[k]);
	for (size_t k = 0; k < batch->effect_count; k++) {
		const controller_effect *e = &batch->effects[k];
		if (e->kind == EFFECT_REPLY)
			look_reply(b, sot_buf_str(&e->frame));
		else if (e->kind == EFFECT_IPAM)
			look_ipam(b, e);
		else if (e->kind == EFFECT_AGENT)
			look_agent(b, e);
	}
	return true;
}

static void stand_fence(bench *b)
{
	sot_addresses_done m = {.request_id = b->fence_id};
	SOT_AUTO_BUF frame;
	sot_err err;

	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	b->fence_id = 0;
	assert_int_equal(sot_addresses_done_encode(&m, &frame, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, m.request_id, SOT_OK, sot_buf_str(&frame), NULL);
}

void bench_settle(bench *b)
{
	for (;;) {
		while (settle_one(b)) {
		}
		if (b->fence_id != 0 && !b->fence_is_open)
			stand_fence(b);
		else if (b->vlans_id != 0)
			tell_vlans(b);
		else
			return;
	}
}

void bench_pass(bench *b, int64_t ms)
{
	b->now.mono.ms += ms;
	b->now.wall.unix_ms += ms;
	controller_tick(b->c, b->now);
	bench_settle(b);
}

void bench_hello(bench *b)
{
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 9,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = 1ull << 30,
	    .disk_bytes = 1ull << 40);
}

void bench_beat(bench *b, sot_uuid host)
{
	sot_uuid before = b->host_id;

	b->host_id = host;
	TELL(b, heartbeat, .boot_id = SOT_STR("b"), .docker_ok = true);
	b->host_id = before;
}

void bench_witness(bench *b, sot_probe_answer host, sot_probe_answer targets)
{
	sot_uuid before = b->host_id;
	size_t count = b->probe_count;

	for (size_t k = 0; k < count; k++) {
		sot_probe_answer answers[16];
		for (size_t n = 0; n < b->probes[k].targets; n++)
			answers[n] = targets;
		b->host_id = b->probes[k].witness;
		TELL(b, host_probed, .request_id = b->probes[k].request_id, .host = host,
		    .targets = answers, .targets_count = b->probes[k].targets);
	}
	b->probe_count = 0;
	b->host_id = before;
}

sot_uuid bench_add_sized_host(
    bench *b, const char *name, const char *az, const char *rack, uint64_t memory_bytes)
{
	sot_uuid before = b->host_id, added;
	char key[41];

	memset(key, 'h', 40);
	(void)snprintf(key, sizeof(key), "%s", name);
	key[strlen(name)] = 'h';
	key[40] = '\0';
	ASK(b, host_register, .name = sot_str_c(name), .az = sot_str_c(az), .rack = sot_str_c(rack),
	    .public_key = sot_str_c(key));
	assert_int_equal(b->reply, SOT_MSG_ACCEPTED);
	added = b->host_id = b->accepted.resource_id;
	TELL(b, hello, .protocol_version = 1, .boot_id = SOT_STR("b"), .agent_start_id = 9,
	    .docker_version = SOT_STR("20"), .cpu_milli = 4000, .memory_bytes = memory_bytes,
	    .disk_bytes = 1ull << 40);
	b->host_id = before;
	return added;
}

sot_uuid bench_add_host(bench *b, const char *name, const char *rack)
{
	return bench_add_sized_host(b, name, "a", rack, 1ull << 30);
}

int bench_setup(void **state)
{
	bench *b = sot_alloc(sizeof(*b));
	controller_config config = controller_config_default(3);
	static const host_class_row class = {.name = "default",
	    .cpu_overcommit_permille = 4000,
	    .memory_overcommit_permille = 1000,
	    .disk_overcommit_permille = 1000};
	static const plan_row plan = {.name = "tiny", .cpu_milli = 100, .memory_bytes = 400ull << 20};
	static const plan_row larger = {.name = "medium",
	    .cpu_milli = 1000,
	    .memory_bytes = 800ull << 20,
	    .cpu_pinned = true,
	    .pids_max = 99,
	    .io_weight = 300};
	static const plan_row huge = {.name = "huge", .cpu_milli = 1000, .memory_bytes = 4096ull << 20};
	char key[41];

	memset(key, 'k', 40);
	key[40] = '\0';
	b->arena = sot_arena_new(16u << 20);
	b->now = (controller_now){{1000}, {1700000000000}};
	b->c = controller_new(&config, 1);
	operation_row_init(&b->operation);
	b->vlans[b->vlan_count++] = (sot_vlan_state){.name = SOT_STR("net"), .free_v4 = 1000};
	b->next_address = 2;
	controller_load_plan(b->c, &plan);
	controller_load_host_class(b->c, &class);
	controller_load_plan(b->c, &larger);
	controller_load_plan(b->c, &huge);
	controller_loaded(b->c, b->now);
	ASK(b, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("r/tomcat:1"));
	ASK(b, host_register, .name = SOT_STR("h1"), .az = SOT_STR("a"), .rack = SOT_STR("r"),
	    .public_key = sot_str_c(key));
	b->host_id = b->accepted.resource_id;
	bench_hello(b);
	*state = b;
	return 0;
}

int bench_teardown(void **state)
{
	bench *b = *state;

	controller_free(b->c);
	operation_row_clear(&b->operation);
	instance_row_clear(&b->instance);
	sot_arena_free(b->arena);
	free(b);
	return 0;
}

sot_placement bench_placement(void)
{
	const sot_spread_rule soft = {.prefer = true};

	return (sot_placement){
	    .max_unavailable = 1, .spread_az = soft, .spread_rack = soft, .spread_host = soft};
}

void bench_create(bench *b, uint32_t count)
{
	ASK(b, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = count, .placement = bench_placement());
}

void bench_grant(bench *b)
{
	sot_address_grant grants[128];
	sot_subnet_facts facts = b->facts;
	sot_addresses_granted m = {b->ipam_id, &facts, 1, grants, b->ipam_owners};
	sot_buf out;
	sot_err err = {0};

	facts.vlan = SOT_STR("net");
	facts.prefix = 24;
	for (size_t k = 0; k < b->ipam_owners; k++)
		grants[k] = (sot_address_grant){.owner = b->owners[k],
		    .address = sot_ip_from_v4(0x0a420000u + b->next_address++),
		    .generation = 1};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_granted_encode(&m, &out, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_OK, sot_buf_str(&out), NULL);
	sot_buf_clear(&out);
	bench_settle(b);
}

void bench_refuse(bench *b, sot_refusal code, const char *text)
{
	sot_refused m = {.request_id = b->ipam_id, .code = code, .text = sot_str_c(text)};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_refused_encode(&m, &out, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_OK, sot_buf_str(&out), NULL);
	sot_buf_clear(&out);
	bench_settle(b);
}

void bench_done(bench *b, uint32_t changed, uint32_t skipped)
{
	sot_addresses_done m = {b->ipam_id, changed, skipped};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_done_encode(&m, &out, &err), SOT_OK);
	controller_ipam_reply(b->c, b->now, b->ipam_id, SOT_OK, sot_buf_str(&out), NULL);
	sot_buf_clear(&out);
	bench_settle(b);
}

void bench_status(
    bench *b, uint64_t seq, uint64_t generation, sot_observed_state observed, sot_health health)
{
	sot_instance_status one = {.instance_id = b->instance.id,
	    .generation = generation,
	    .observed = observed,
	    .health = health,
	    .error = observed == SOT_OBSERVED_STATE_FAILED ? SOT_STR("no such image") : SOT_STR("")};

	TELL(b, status, .boot_id = SOT_STR("b"), .agent_start_id = 9, .seq = seq, .instances = &one,
	    .instances_count = 1);
}

void bench_bring_up(bench *b)
{
	bench_create(b, 1);
	bench_grant(b);
	bench_status(b, 1, 1, SOT_OBSERVED_STATE_RUNNING, SOT_HEALTH_HEALTHY);
	bench_done(b, 1, 0); /* the bind */
}
