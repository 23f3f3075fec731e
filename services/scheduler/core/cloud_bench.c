#include "cloud_bench.h"

#include "messages.h"

#define ADDRESS_FIRST 0x0a420002u

/* ---- what comes out ---- */

static void look_reply(cloud *w, sot_str frame)
{
	sot_wire_head head;
	sot_refused no;
	sot_answer told;
	sot_err err;

	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	w->reply = head.id;
	if (head.id == SOT_MSG_ACCEPTED) {
		assert_int_equal(sot_accepted_decode(frame, w->arena, &w->accepted, &err), SOT_OK);
		w->last = w->accepted.operation_id;
	} else if (head.id == SOT_MSG_BULK_MATCHED) {
		assert_int_equal(sot_bulk_matched_decode(frame, w->arena, &w->matched, &err), SOT_OK);
	} else if (head.id == SOT_MSG_ANSWER) {
		assert_int_equal(sot_answer_decode(frame, w->arena, &told, &err), SOT_OK);
		(void)snprintf(w->answer, sizeof(w->answer), "%.*s", SOT_ARG(told.body));
	} else if (head.id == SOT_MSG_REFUSED) {
		assert_int_equal(sot_refused_decode(frame, w->arena, &no, &err), SOT_OK);
		w->refusal = no.code;
		(void)snprintf(w->text, sizeof(w->text), "%.*s", SOT_ARG(no.text));
		(void)snprintf(w->pointer, sizeof(w->pointer), "%.*s", SOT_ARG(no.pointer));
	}
}

static cloud_order *find_order(cloud *w, sot_uuid id)
{
	for (size_t k = 0; k < w->order_count; k++) {
		if (sot_uuid_eq(w->orders[k].instance_id, id))
			return &w->orders[k];
	}
	assert_true(w->order_count < CLOUD_ORDERS);
	w->orders[w->order_count] = (cloud_order){.instance_id = id};
	return &w->orders[w->order_count++];
}

static void copy(char *dst, size_t size, sot_str text)
{
	(void)snprintf(dst, size, "%.*s", SOT_ARG(text));
}

static void look_rotate(cloud *w, sot_str frame)
{
	sot_rotate m;
	sot_err err;

	assert_int_equal(sot_rotate_decode(frame, w->arena, &m, &err), SOT_OK);
	w->rotate.operation_id = m.operation_id;
	w->rotate.instance_id = m.instance_id;
	w->rotate.ordinal = m.ordinal;
	w->rotate.out = m.out;
	copy(w->rotate.command, sizeof(w->rotate.command), m.command);
	w->rotate.count++;
}

static void look_agent(cloud *w, const controller_effect *e)
{
	sot_str frame = sot_buf_str(&e->frame);
	sot_wire_head head;
	sot_assign m;
	sot_err err;

	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	if (head.id == SOT_MSG_STOCK) {
		sot_stock stock;
		assert_int_equal(sot_stock_decode(frame, w->arena, &stock, &err), SOT_OK);
		w->stocked++;
		w->stock_packages = stock.packages_count;
	}
	if (head.id == SOT_MSG_ROTATE)
		look_rotate(w, frame);
	if (head.id != SOT_MSG_ASSIGN)
		return;
	assert_int_equal(sot_assign_decode(frame, w->arena, &m, &err), SOT_OK);
	for (size_t k = 0; k < m.instances_count; k++) {
		const sot_instance_spec *spec = &m.instances[k];
		cloud_order *o = find_order(w, spec->instance_id);
		for (int h = 0; h < w->host_count; h++)
			o->host = sot_uuid_eq(w->hosts[h], e->host_id) ? h : o->host;
		o->open |= spec->generation > o->generation;
		o->generation = spec->generation;
		o->restart_seq = spec->restart_seq;
		o->rebuild_seq = spec->rebuild_seq;
		o->desired = spec->desired;
		copy(o->name, sizeof(o->name), spec->name);
		copy(o->version, sizeof(o->version), spec->version);
		copy(o->image, sizeof(o->image), spec->image);
		o->middleware[0] = '\0';
		for (size_t x = 0; x < spec->middleware_count; x++) {
			size_t n = strlen(o->middleware);
			(void)snprintf(o->middleware + n, sizeof(o->middleware) - n, "%s%.*s=%.*s",
			    n > 0 ? "," : "", SOT_ARG(spec->middleware[x].name),
			    SOT_ARG(spec->middleware[x].version));
		}
	}
}

/* ---- ipam ---- */

static void answer(cloud *w, uint64_t request_id, sot_buf *out)
{
	controller_ipam_reply(w->c, w->now, request_id, SOT_OK, sot_buf_str(out), NULL);
	sot_buf_clear(out);
}

static void grant(cloud *w, uint64_t request_id, sot_str frame)
{
	sot_addresses_acquire m;
	sot_subnet_facts facts = {.vlan = SOT_STR("net"), .prefix = 16};
	sot_buf out;
	sot_err err = {0};

	assert_int_equal(sot_addresses_acquire_decode(frame, w->arena, &m, &err), SOT_OK);
	sot_address_grant *grants = sot_alloc_array(m.wants_count, sizeof(*grants));
	for (size_t k = 0; k < m.wants_count; k++)
		grants[k] = (sot_address_grant){.owner = m.wants[k].owner,
		    .address = sot_ip_from_v4(ADDRESS_FIRST + w->next_address++),
		    .generation = 1};
	sot_addresses_granted yes = {request_id, &facts, 1, grants, m.wants_count};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_granted_encode(&yes, &out, &err), SOT_OK);
	answer(w, request_id, &out);
	free(grants);
}

static void tell_vlans(cloud *w, uint64_t request_id)
{
	sot_vlan_state net = {.name = SOT_STR("net"), .free_v4 = 60000};
	sot_vlans m = {
	    .request_id = request_id, .version = 1, .full = true, .vlans = &net, .vlans_count = 1};
	sot_buf out;
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_vlans_encode(&m, &out, &err), SOT_OK);
	answer(w, request_id, &out);
}

static void look_ipam(cloud *w, const controller_effect *e)
{
	sot_str frame = sot_buf_str(&e->frame);
	sot_wire_head head;
	sot_err err = {0};
	sot_addresses_done done = {e->request_id, 1, 0};
	sot_buf out;

	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	if (w->ipam_is_away) {
		controller_ipam_reply(w->c, w->now, e->request_id, SOT_UNAVAILABLE, (sot_str){0}, "away");
	} else if (head.id == SOT_MSG_VLANS_READ) {
		tell_vlans(w, e->request_id);
	} else if (head.id == SOT_MSG_ADDRESSES_ACQUIRE) {
		grant(w, e->request_id, frame);
	} else {
		sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
		assert_int_equal(sot_addresses_done_encode(&done, &out, &err), SOT_OK);
		answer(w, e->request_id, &out);
	}
}

/* ---- batches ---- */

static void keep_operation(cloud *w, const operation_row *row)
{
	operation_row *copied = sot_alloc(sizeof(*copied));
	operation_row *before;

	operation_row_copy(copied, row);
	before = sot_map_set_uuid(w->operations, row->id, copied);
	if (before)
		operation_row_clear(before);
	free(before);
}

static bool settle_one(cloud *w)
{
	SOT_AUTO(controller_batch) batch = controller_take_batch(w->c, w->now);
	if (!batch)
		return false;
	for (size_t k = 0; k < batch->operation_count; k++)
		keep_operation(w, batch->operations[k]);
	for (size_t k = 0; k < batch->event_count; k++)
		w->watched += w->watch && strcmp(w->watch, batch->events[k].kind) == 0;
	w->decisions += batch->decision_count;
	for (size_t k = 0; k < batch->effect_count; k++) {
		const controller_effect *e = &batch->effects[k];
		if (e->kind == EFFECT_REPLY)
			look_reply(w, sot_buf_str(&e->frame));
		else if (e->kind == EFFECT_IPAM)
			look_ipam(w, e);
		else if (e->kind == EFFECT_AGENT)
			look_agent(w, e);
	}
	return true;
}

void cloud_settle(cloud *w)
{
	/* An ipam that is away is asked again after a while; the end is then a batch without news. */
	for (int k = 0; k < 1000 && settle_one(w); k++) {
	}
}

void cloud_pass(cloud *w, int64_t ms)
{
	w->now.mono.ms += ms;
	w->now.wall.unix_ms += ms;
	controller_tick(w->c, w->now);
	cloud_settle(w);
}

/* ---- agents ---- */

static void tell(cloud *w, int host, const sot_buf *frame)
{
	sot_err err = {0};

	(void)controller_agent_message(w->c, w->now, w->hosts[host], sot_buf_str(frame), &err);
}

static void say_hello(cloud *w, int host)
{
	sot_hello m = {.protocol_version = 1,
	    .boot_id = SOT_STR("b"),
	    .agent_start_id = 9,
	    .docker_version = SOT_STR("20"),
	    .cpu_milli = 400000,
	    .memory_bytes = 1ull << 40,
	    .disk_bytes = 1ull << 45};
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_hello_encode(&m, &out, &err), SOT_OK);
	tell(w, host, &out);
}

static bool fails(const cloud *w, const cloud_order *o)
{
	return (w->failing[0] && strncmp(o->name, w->failing, strlen(w->failing)) == 0) ||
	       strcmp(o->version, "bad") == 0;
}

static void report(cloud *w, cloud_order *o)
{
	bool failed = o->desired == SOT_DESIRED_STATE_RUNNING && fails(w, o);
	sot_instance_status one = {.instance_id = o->instance_id,
	    .generation = o->generation,
	    .restart_seq = o->restart_seq,
	    .version = sot_str_c(o->version),
	    .observed = failed                                    ? SOT_OBSERVED_STATE_FAILED
	                : o->desired == SOT_DESIRED_STATE_RETIRED ? SOT_OBSERVED_STATE_RETIRED
	                : o->desired == SOT_DESIRED_STATE_STOPPED ? SOT_OBSERVED_STATE_STOPPED
	                                                          : SOT_OBSERVED_STATE_RUNNING,
	    .error = failed ? SOT_STR("exits with 1") : SOT_STR("")};
	sot_status m = {.boot_id = SOT_STR("b"),
	    .agent_start_id = 9,
	    .seq = ++w->seq[o->host],
	    .instances = &one,
	    .instances_count = 1};
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};

	o->runs = one.observed == SOT_OBSERVED_STATE_RUNNING;
	one.health = !o->runs                          ? SOT_HEALTH_UNKNOWN
	             : strcmp(o->name, w->unwell) == 0 ? SOT_HEALTH_UNHEALTHY
	                                               : SOT_HEALTH_HEALTHY;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_status_encode(&m, &out, &err), SOT_OK);
	tell(w, o->host, &out);
}

size_t cloud_work(cloud *w, size_t most)
{
	size_t done = 0;

	for (size_t k = 0; k < w->order_count && done < most; k++) {
		if (!w->orders[k].open)
			continue;
		w->orders[k].open = false;
		report(w, &w->orders[k]);
		done++;
	}
	cloud_settle(w);
	return done;
}

void cloud_rest(cloud *w)
{
	for (int k = 0; k < 10000 && cloud_work(w, SIZE_MAX) > 0; k++) {
	}
}

void cloud_tell(cloud *w, const char *name)
{
	for (size_t k = 0; k < w->order_count; k++) {
		if (strcmp(w->orders[k].name, name) == 0)
			report(w, &w->orders[k]);
	}
	cloud_settle(w);
}

void cloud_rotated(cloud *w, bool ok, const char *text)
{
	sot_rotated m = {.operation_id = w->rotate.operation_id,
	    .ordinal = w->rotate.ordinal,
	    .instance_id = w->rotate.instance_id,
	    .ok = ok,
	    .text = sot_str_c(text)};
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};

	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_rotated_encode(&m, &out, &err), SOT_OK);
	for (size_t k = 0; k < w->order_count; k++) {
		if (sot_uuid_eq(w->orders[k].instance_id, m.instance_id))
			tell(w, w->orders[k].host, &out);
	}
	cloud_settle(w);
}

size_t cloud_starting(const cloud *w, int host)
{
	size_t n = 0;

	for (size_t k = 0; k < w->order_count; k++) {
		const cloud_order *o = &w->orders[k];
		n += o->open && o->desired == SOT_DESIRED_STATE_RUNNING && (host < 0 || o->host == host);
	}
	return n;
}

const cloud_order *cloud_order_of(const cloud *w, const char *name)
{
	for (size_t k = 0; k < w->order_count; k++) {
		if (strcmp(w->orders[k].name, name) == 0)
			return &w->orders[k];
	}
	return NULL;
}

const operation_row *cloud_operation(const cloud *w, sot_uuid id)
{
	const operation_row *o = sot_map_get_uuid(w->operations, id);

	assert_non_null(o);
	return o;
}

const operation_row *cloud_child(const cloud *w, sot_uuid parent, const char *target)
{
	sot_map_iter it = {0};
	const operation_row *o;

	while ((o = sot_map_next(w->operations, &it, NULL))) {
		if (sot_uuid_eq(o->parent_id, parent) && strcmp(o->target, target) == 0)
			return o;
	}
	fail_msg("no child on %s", target);
	return NULL;
}

/* ---- requests ---- */

void cloud_ask(cloud *w, const sot_buf *frame)
{
	static const controller_peer peer;

	sot_arena_reset(w->arena);
	w->refusal = 0;
	w->text[0] = '\0';
	controller_request(w->c, w->now, &peer, sot_buf_str(frame));
	cloud_settle(w);
}

void cloud_create(cloud *w, const char *app, uint32_t count)
{
	CLOUD_ASK(w, app_create, .name = sot_str_c(app), .image = SOT_STR("tomcat"),
	    .plan = SOT_STR("tiny"), .vlan = SOT_STR("net"),
	    .health = {.interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 1},
	    .count = count);
}

void cloud_scale(cloud *w, const char *app, uint32_t count)
{
	CLOUD_ASK(w, app_scale, .name = sot_str_c(app), .count = count);
}

void cloud_package(cloud *w, const char *app, const char *version)
{
	static const uint8_t digest[32] = {1};

	CLOUD_ASK(w, package_register, .app = sot_str_c(app), .version = sot_str_c(version),
	    .sha256 = {(const char *)digest, 32}, .size_bytes = 10, .file_name = SOT_STR("a.war"));
}

void cloud_deploy(cloud *w, const char *app, const char *version)
{
	CLOUD_ASK(w, app_deploy, .name = sot_str_c(app), .version = sot_str_c(version));
}

void cloud_cancel(cloud *w, sot_uuid operation)
{
	CLOUD_ASK(w, operation_cancel, .operation_id = operation);
}

void cloud_act(cloud *w, const char *instance, sot_instance_action action)
{
	CLOUD_ASK(w, instance_act, .instance = sot_str_c(instance), .action = action);
}

void cloud_bulk(cloud *w, sot_operation_bulk m)
{
	CLOUD_ASK(w, operation_bulk, .action = m.action, .apps = m.apps, .apps_count = m.apps_count,
	    .hosts = m.hosts, .hosts_count = m.hosts_count, .tags = m.tags, .tags_count = m.tags_count,
	    .az = m.az, .rack = m.rack, .instances = m.instances, .instances_count = m.instances_count,
	    .count = m.count, .version = m.version, .parallel = m.parallel,
	    .failures_max = m.failures_max, .expect = m.expect, .dry_run = m.dry_run,
	    .strategy = m.strategy);
}

static size_t bulk_targets(const cloud *w, sot_uuid parent, sot_uuid *targets)
{
	sot_map_iter it = {0};
	const operation_row *o;
	size_t n = 0;

	while ((o = sot_map_next(w->operations, &it, NULL))) {
		if (sot_uuid_eq(o->parent_id, parent) && o->state != OPERATION_DONE)
			targets[n++] = o->resource_id;
	}
	return n;
}

void cloud_retry(cloud *w, sot_uuid operation)
{
	const operation_row *o = cloud_operation(w, operation);
	sot_uuid *targets = sot_alloc_array(CLOUD_ORDERS, sizeof(*targets));
	size_t n = 0;
	char app[31] = "";
	sot_str rest;

	if (operation_kind_is_bulk(o->kind)) {
		n = bulk_targets(w, operation, targets);
	} else if (o->kind >= OPERATION_INSTANCE_START && o->kind <= OPERATION_INSTANCE_MOVE) {
		targets[n++] = o->resource_id;
		copy(app, sizeof(app), sot_str_cut(sot_str_c(o->target), '-', &rest));
	} else {
		copy(app, sizeof(app), sot_str_c(o->target));
		for (size_t k = 0; k < w->order_count; k++)
			targets[n++] = w->orders[k].instance_id;
	}
	CLOUD_ASK(w, operation_retry, .operation_id = operation,
	    .kind = sot_str_c(operation_kind_name(o->kind)), .app = sot_str_c(app), .count = o->count,
	    .version = sot_str_c(o->version), .parallel = (uint16_t)o->parallel,
	    .failures_max = (uint16_t)o->failures_max, .targets = targets, .targets_count = n,
	    .what = sot_str_c(o->image));
	free(targets);
}

/* ---- its life ---- */

static void register_host(cloud *w, int number)
{
	char name[16], rack[16], key[41];

	memset(key, 'a' + number, 40);
	key[40] = '\0';
	(void)snprintf(name, sizeof(name), "h%d", number + 1);
	(void)snprintf(rack, sizeof(rack), "r%d", number / 2 + 1);
	CLOUD_ASK(w, host_register, .name = sot_str_c(name), .az = SOT_STR("a"),
	    .rack = sot_str_c(rack), .public_key = sot_str_c(key));
	w->hosts[number] = w->accepted.resource_id;
	w->host_count = number + 1;
	say_hello(w, number);
	cloud_settle(w);
}

cloud *cloud_new(int hosts, const controller_config *config)
{
	static const plan_row plan = {.name = "tiny", .cpu_milli = 100, .memory_bytes = 128ull << 20};
	cloud *w = sot_alloc(sizeof(*w));

	w->config = *config;
	w->arena = sot_arena_new(64u << 20);
	w->operations = sot_map_new();
	w->now = (controller_now){{1000}, {1700000000000}};
	w->c = controller_new(config, 1);
	controller_load_plan(w->c, &plan);
	controller_loaded(w->c, w->now);
	cloud_settle(w);
	CLOUD_ASK(w, image_register, .name = SOT_STR("tomcat"), .reference = SOT_STR("r/tomcat:1"));
	for (int k = 0; k < hosts; k++)
		register_host(w, k);
	return w;
}

cloud *cloud_free(cloud *w)
{
	sot_map_iter it = {0};
	operation_row *o;

	while ((o = sot_map_next(w->operations, &it, NULL))) {
		operation_row_clear(o);
		free(o);
	}
	sot_map_free(w->operations);
	controller_free(w->c);
	sot_arena_free(w->arena);
	free(w);
	return NULL;
}
