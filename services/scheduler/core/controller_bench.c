#include "controller_bench.h"

static void look_reply(bench *b, sot_str frame)
{
	sot_wire_head head;
	sot_refused no;
	sot_err err;

	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	b->reply = head.id;
	if (head.id == SOT_MSG_ACCEPTED) {
		assert_int_equal(sot_accepted_decode(frame, b->arena, &b->accepted, &err), SOT_OK);
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
	b->ipam_id = e->request_id;
	b->ipam_message = head.id;
	if (head.id == SOT_MSG_ADDRESSES_CONFLICT)
		look_conflict(b, sot_buf_str(&e->frame));
	if (head.id != SOT_MSG_ADDRESSES_ACQUIRE)
		return;
	assert_int_equal(
	    sot_addresses_acquire_decode(sot_buf_str(&e->frame), b->arena, &m, &err), SOT_OK);
	b->ipam_owners = m.wants_count;
	for (size_t k = 0; k < m.wants_count; k++)
		b->owners[k] = m.wants[k].owner;
	(void)snprintf(b->wanted_vlan, sizeof(b->wanted_vlan), "%.*s", SOT_ARG(m.wants[0].vlan));
	b->wanted_families = m.wants[0].families;
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
		if (assign.instances_count > 0)
			b->spec = assign.instances[assign.instances_count - 1];
	} else if (head.id == SOT_MSG_STATUS_ACK) {
		assert_int_equal(
		    sot_status_ack_decode(sot_buf_str(&e->frame), b->arena, &ack, &err), SOT_OK);
		b->acked_seq = ack.seq;
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

/* False when there was nothing. */
static bool settle_one(bench *b)
{
	SOT_AUTO(controller_batch) batch = controller_take_batch(b->c, b->now);
	if (!batch)
		return false;
	for (size_t k = 0; k < batch->instance_count; k++)
		b->instance = *batch->instances[k];
	for (size_t k = 0; k < batch->operation_count; k++)
		b->operation = *batch->operations[k];
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

void bench_settle(bench *b)
{
	for (;;) {
		while (settle_one(b)) {
		}
		if (b->vlans_id == 0)
			return;
		tell_vlans(b);
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

int bench_setup(void **state)
{
	bench *b = sot_alloc(sizeof(*b));
	controller_config config = controller_config_default(3);
	static const plan_row plan = {"tiny", 100, 400ull << 20, 0, 0};
	char key[41];

	memset(key, 'k', 40);
	key[40] = '\0';
	b->arena = sot_arena_new(16u << 20);
	b->now = (controller_now){{1000}, {1700000000000}};
	b->c = controller_new(&config, 1);
	b->vlans[b->vlan_count++] = (sot_vlan_state){.name = SOT_STR("net"), .free_v4 = 1000};
	b->next_address = 2;
	controller_load_plan(b->c, &plan);
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
	sot_arena_free(b->arena);
	free(b);
	return 0;
}

void bench_create(bench *b, uint32_t count)
{
	ASK(b, app_create, .name = SOT_STR("shop"), .image = SOT_STR("tomcat"), .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = count);
}

void bench_grant(bench *b)
{
	sot_address_grant grants[16];
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
	sot_refused m = {b->ipam_id, code, {0}, sot_str_c(text)};
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
