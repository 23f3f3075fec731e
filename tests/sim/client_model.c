/* The gateway's side: random work, each request repeated with its key until it is answered. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define RESEND_MS 3000

static const char *const app_names[] = {"alpha", "beta", "gamma"};

static sot_request_context context_of(uint64_t number, char key[static 32], uint8_t sha[static 32])
{
	(void)snprintf(key, 32, "key-%llu", (unsigned long long)number);
	memset(sha, (int)(number & 255), 32);
	return (sot_request_context){.actor = SOT_STR("user:sim"),
	    .idempotency_key = sot_str_c(key),
	    .request_sha256 = {(const char *)sha, 32}};
}

static sent_request *new_request(world *w)
{
	if (w->request_count == w->request_cap) {
		size_t cap = w->request_cap ? w->request_cap * 2 : 32;
		w->requests = sot_grow_array(w->requests, w->request_cap, cap, sizeof(*w->requests));
		w->request_cap = cap;
	}
	sent_request *r = &w->requests[w->request_count++];
	*r = (sent_request){.request_id = w->request_count};
	sot_buf_init(&r->frame, SOT_WIRE_FRAME_MAX);
	return r;
}

/* Rules by chance; half of the apps have none but soft spread. */
static sot_placement random_placement(world *w, sot_str own, sot_relation *relation)
{
	static sot_str kept = SOT_STR("kept"), zone = SOT_STR("az-a");
	sot_placement p = {.max_unavailable = 1};
	sot_spread_rule *levels[] = {&p.spread_az, &p.spread_rack, &p.spread_host};

	for (int k = 0; k < 3; k++)
		levels[k]->prefer = sim_chance(w->s, 700);
	if (sim_chance(w->s, 500))
		return p;
	for (int k = 0; k < 3; k++) {
		if (sim_chance(w->s, 300))
			levels[k]->max_skew = 1 + (uint32_t)sim_below(w->s, 2);
		if (sim_chance(w->s, 200))
			levels[k]->max_count = 1 + (uint32_t)sim_below(w->s, 4);
	}
	p.tolerated = &kept;
	p.tolerated_count = sim_chance(w->s, 400);
	p.zones = &zone;
	p.zones_count = sim_chance(w->s, 150);
	p.exclusive = sim_chance(w->s, 150) ? SOT_EXCLUSIVE_APP : SOT_EXCLUSIVE_NONE;
	p.workload = sim_chance(w->s, 300) ? SOT_WORKLOAD_BATCH : SOT_WORKLOAD_SERVICE;
	p.priority = (uint8_t)sim_below(w->s, 3);
	p.preemptable = sim_chance(w->s, 400);
	if (sim_chance(w->s, 300)) {
		*relation = (sot_relation){.kind = SOT_RELATION_KIND_APART,
		    .app = own,
		    .level = (sot_spread_level)sim_below(w->s, 3),
		    .count = 1 + (uint32_t)sim_below(w->s, 3)};
		p.relations = relation;
		p.relations_count = 1;
	}
	return p;
}

static sot_code encode_create(
    world *w, sent_request *r, sot_request_context ctx, sot_str name, uint32_t count, sot_err *err)
{
	sot_relation relation;
	sot_app_create m = {.request_id = r->request_id,
	    .context = ctx,
	    .name = name,
	    .image = SOT_STR("tomcat"),
	    .plan = SOT_STR("tiny"),
	    .vlan = SOT_STR("net"),
	    .health = {.kind = SOT_HEALTH_CHECK_NONE,
	        .interval_ms = 1000,
	        .timeout_ms = 500,
	        .healthy_after = 1,
	        .unhealthy_after = 3},
	    .count = count,
	    .placement = random_placement(w, name, &relation),
	    .recovery = (sot_recovery)sim_below(w->s, 2),
	    .on_return = (sot_on_return)sim_below(w->s, 3)};

	return sot_app_create_encode(&m, &r->frame, err);
}

static sot_code encode_act(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	char name[64];
	sot_instance_act m = {r->request_id, ctx, {0}, (sot_instance_action)sim_below(w->s, 7)};

	(void)snprintf(
	    name, sizeof(name), "%.*s-default-%02u", SOT_ARG(app), (unsigned)sim_below(w->s, 12) + 1);
	m.instance = sot_str_c(name);
	return sot_instance_act_encode(&m, &r->frame, err);
}

static sot_code encode_move(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	char name[64], host[8] = "host-a";
	sot_instance_move m = {r->request_id, ctx, {0}, {0}};

	(void)snprintf(
	    name, sizeof(name), "%.*s-default-%02u", SOT_ARG(app), (unsigned)sim_below(w->s, 12) + 1);
	host[5] = (char)('a' + sim_below(w->s, HOSTS));
	m.instance = sot_str_c(name);
	if (sim_chance(w->s, 500))
		m.host = sot_str_c(host);
	return sot_instance_move_encode(&m, &r->frame, err);
}

static sot_code encode_resize(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	static const char *const plans[] = {"tiny", "small", "huge"};
	sot_str plan = sot_str_c(plans[sim_below(w->s, 3)]);
	char name[64];

	if (sim_chance(w->s, 500))
		return sot_app_resize_encode(
		    &(sot_app_resize){r->request_id, ctx, app, plan, client_strategy(w, false), false},
		    &r->frame, err);
	(void)snprintf(
	    name, sizeof(name), "%.*s-default-%02u", SOT_ARG(app), (unsigned)sim_below(w->s, 12) + 1);
	return sot_instance_resize_encode(
	    &(sot_instance_resize){
	        .request_id = r->request_id, .context = ctx, .instance = sot_str_c(name), .plan = plan},
	    &r->frame, err);
}

static sot_code encode_package(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	static const uint8_t digest[32] = {1};
	sot_package_register m = {.request_id = r->request_id,
	    .context = ctx,
	    .app = app,
	    .version = sim_chance(w->s, 300) ? SOT_STR("bad") : SOT_STR("v1"),
	    .sha256 = {(const char *)digest, 32},
	    .size_bytes = 10,
	    .file_name = SOT_STR("a.war")};

	return sot_package_register_encode(&m, &r->frame, err);
}

static sot_code encode_cancel(world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	sot_operation_cancel m = {r->request_id, ctx, {{0}}};

	if (w->request_count > 1)
		m.operation_id = w->requests[sim_below(w->s, w->request_count - 1)].operation_id;
	return sot_operation_cancel_encode(&m, &r->frame, err);
}

static sot_code encode_update(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	sot_relation relation;
	sot_app_update m = {.request_id = r->request_id,
	    .context = ctx,
	    .name = app,
	    .placement = random_placement(w, app, &relation)};

	return sot_app_update_encode(&m, &r->frame, err);
}

/* A tag that nobody tolerates keeps the host empty of new ones for a while. */
static sot_code encode_host_set(world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	sot_str repels = SOT_STR("kept");
	sot_host_set m = {.request_id = r->request_id,
	    .context = ctx,
	    .name = SOT_STR("host-b"),
	    .class = SOT_STR("default"),
	    .repels = &repels,
	    .repels_count = sim_chance(w->s, 400)};

	return sot_host_set_encode(&m, &r->frame, err);
}

static sot_code encode_random(world *w, sent_request *r, sot_request_context ctx, sot_err *err)
{
	sot_str app = sot_str_c(app_names[sim_below(w->s, 3)]);
	uint32_t count = (uint32_t)sim_below(w->s, 9);

	switch (sim_below(w->s, 25)) {
	case 0:
	case 1:
		return encode_create(w, r, ctx, app, count, err);
	case 2:
	case 3:
	case 4:
		return sot_app_scale_encode(&(sot_app_scale){r->request_id, ctx, app, count, false, {0},
		                                {0}, SOT_SCALE_PICK_SPREAD},
		    &r->frame, err);
	case 5:
		return sot_app_deploy_encode(&(sot_app_deploy){r->request_id, ctx, app,
		                                 sim_chance(w->s, 200) ? SOT_STR("bad") : SOT_STR("v1"),
		                                 client_strategy(w, true), sim_chance(w->s, 50), {0}},
		    &r->frame, err);
	case 6:
		return encode_package(w, r, ctx, app, err);
	case 7:
		return encode_act(w, r, ctx, app, err);
	case 8:
		return sim_chance(w->s, 500)
		           ? sot_app_delete_encode(
		                 &(sot_app_delete){r->request_id, ctx, app}, &r->frame, err)
		           : encode_cancel(w, r, ctx, err);
	case 9:
	case 10:
		return encode_move(w, r, ctx, app, err);
	case 12:
		return encode_update(w, r, ctx, app, err);
	case 13:
		return encode_host_set(w, r, ctx, err);
	case 14:
		return client_encode_bulk(w, r, ctx, app, count, err);
	case 15:
		return client_encode_retry(w, r, ctx, err);
	case 16:
		return encode_resize(w, r, ctx, app, err);
	case 17:
		return sot_app_rebuild_encode(
		    &(sot_app_rebuild){r->request_id, ctx, app, {0}, client_strategy(w, false), false},
		    &r->frame, err);
	case 22:
		return sot_app_deploy_encode(&(sot_app_deploy){r->request_id, ctx, app, SOT_STR("v1"),
		                                 client_strategy(w, true), false, {0}},
		    &r->frame, err);
	case 23:
	case 24:
		return client_encode_rollout(w, r, ctx, err);
	case 18:
	case 19:
	case 20:
		return client_encode_upkeep(w, r, ctx, err);
	default:
		return sot_host_set_schedulable_encode(&(sot_host_set_schedulable){r->request_id, ctx,
		                                           SOT_STR("host-a"), sim_chance(w->s, 600)},
		    &r->frame, err);
	}
}

static sot_code encode_deploy(
    world *w, sent_request *r, sot_request_context ctx, sot_str app, sot_err *err)
{
	static const char *const versions[] = {"v1", "v2", "bad"};
	sot_app_deploy m = {.request_id = r->request_id,
	    .context = ctx,
	    .name = app,
	    .version = sot_str_c(versions[sim_below(w->s, 3)]),
	    .strategy = client_strategy(w, true)};

	return sot_app_deploy_encode(&m, &r->frame, err);
}

/* Two apps with three versions each, one of them in two groups, then one rollout after the other;
 * now and then anything else. */
static sot_code encode_of_rollouts(
    world *w, sent_request *r, sot_request_context ctx, uint64_t number, sot_err *err)
{
	static const char *const versions[] = {"v1", "v2", "bad"};
	static const uint8_t digest[32] = {1};
	sot_str app = sot_str_c(app_names[number % 2]);

	if (number < 2)
		return encode_create(w, r, ctx, app, 1 + (uint32_t)sim_below(w->s, 8), err);
	if (number < 8) {
		sot_package_register m = {.request_id = r->request_id,
		    .context = ctx,
		    .app = app,
		    .version = sot_str_c(versions[number / 2 - 1]),
		    .sha256 = {(const char *)digest, 32},
		    .size_bytes = 10,
		    .file_name = SOT_STR("a.war")};
		return sot_package_register_encode(&m, &r->frame, err);
	}
	if (number < 11)
		return client_encode_middleware_version(w, r, ctx, err);
	if (number < 13)
		return client_encode_second_group(w, r, ctx, number == 11, err);
	if (sim_chance(w->s, 150))
		return encode_random(w, r, ctx, err);
	if (sim_chance(w->s, 150))
		return client_encode_middleware(w, r, ctx, app, err);
	return sim_chance(w->s, 350) ? client_encode_rollout(w, r, ctx, err)
	                             : encode_deploy(w, r, ctx, app, err);
}

/* Two apps, a second group in each, then rules and values; now and then anything else. */
static sot_code encode_of_elastic(
    world *w, sent_request *r, sot_request_context ctx, uint64_t number, sot_err *err)
{
	sot_str app = sot_str_c(app_names[number % 2]);

	if (number < 2)
		return encode_create(w, r, ctx, app, 1 + (uint32_t)sim_below(w->s, 4), err);
	if (number > 8 && sim_chance(w->s, 80))
		return encode_random(w, r, ctx, err);
	return client_encode_elastic(w, r, ctx, number, err);
}

static sot_code encode_setup(
    sent_request *r, sot_request_context ctx, uint64_t number, sot_err *err)
{
	char name[8] = "host-a", az[8] = "az-a", key[41];

	if (number == 0) {
		sot_image_register m = {r->request_id, ctx, SOT_STR("tomcat"), SOT_STR("reg/tomcat:1")};
		return sot_image_register_encode(&m, &r->frame, err);
	}
	memset(key, 'a', sizeof(key) - 1);
	key[40] = '\0';
	key[0] = name[5] = (char)('a' + number - 1);
	az[3] = (char)('a' + (number - 1) / 2);
	sot_host_register m = {.request_id = r->request_id,
	    .context = ctx,
	    .name = sot_str_c(name),
	    .az = sot_str_c(az),
	    .rack = sot_str_c(az),
	    .public_key = sot_str_c(key)};
	return sot_host_register_encode(&m, &r->frame, err);
}

static void send(world *w, sent_request *r)
{
	r->resend_ms = sim_now(w->s).ms + RESEND_MS;
	sim_link_send(w->client_to[sim_below(w->s, NODES)], sot_buf_str(&r->frame));
}

/* The first requests register the image and the hosts, the others are random. */
void client_step(world *w)
{
	uint64_t number = w->request_count;
	char key[32];
	uint8_t sha[32];
	sot_err err = {0};
	sot_request_context ctx = context_of(number, key, sha);
	sent_request *r = new_request(w);
	sot_code code = number <= HOSTS ? encode_setup(r, ctx, number, &err)
	                : w->rolls      ? encode_of_rollouts(w, r, ctx, number - HOSTS - 1, &err)
	                : w->scales     ? encode_of_elastic(w, r, ctx, number - HOSTS - 1, &err)
	                                : encode_random(w, r, ctx, &err);

	if (code != SOT_OK) {
		world_fail(w, "client: %s", err.text);
		return;
	}
	send(w, r);
}

static void resume(void *self, const operation_row *o)
{
	world *w = self;
	const rollout_row *row = store_model_rollout(w->store, o->id);
	char key[32];
	uint8_t sha[32];
	sot_err err = {0};

	if (!row || !row->paused_by[0] || o->state != OPERATION_RUNNING)
		return;
	sot_request_context ctx = context_of(w->request_count, key, sha);
	sent_request *r = new_request(w);
	sot_rollout_act m = {r->request_id, ctx, o->id, SOT_ROLLOUT_ACTION_RESUME};
	if (sot_rollout_act_encode(&m, &r->frame, &err) != SOT_OK)
		world_fail(w, "client: %s", err.text);
	else
		send(w, r);
}

void client_resume(world *w)
{
	store_model_each_operation(w->store, resume, w);
}

void client_tick(world *w)
{
	for (size_t k = 0; k < w->request_count; k++) {
		if (!w->requests[k].answered && sim_now(w->s).ms >= w->requests[k].resend_ms)
			send(w, &w->requests[k]);
	}
}

static void on_accepted(world *w, const sot_accepted *m)
{
	sent_request *r = &w->requests[m->request_id - 1];

	if (r->accepted && !sot_uuid_eq(r->operation_id, m->operation_id))
		world_fail(
		    w, "request %llu was accepted as two operations", (unsigned long long)m->request_id);
	if (!store_model_operation(w->store, m->operation_id))
		world_fail(w, "request %llu was accepted before it was committed",
		    (unsigned long long)m->request_id);
	r->answered = r->accepted = true;
	r->operation_id = m->operation_id;
	if (m->request_id >= 2 && m->request_id <= HOSTS + 1) {
		agent *a = &w->agents[m->request_id - 2];
		a->host_id = m->resource_id;
		a->registered = true;
	}
}

void client_on_frame(void *self, sot_str data)
{
	world *w = self;
	SOT_AUTO(sot_arena) arena = sot_arena_new(1u << 20);
	sot_wire_head head = {0};
	sot_accepted yes;
	sot_refused no;
	sot_err err = {0};

	if (sot_wire_peek(data, &head, &err) != SOT_OK || head.request_id == 0 ||
	    head.request_id > w->request_count)
		return;
	if (head.id == SOT_MSG_ACCEPTED && sot_accepted_decode(data, arena, &yes, &err) == SOT_OK) {
		on_accepted(w, &yes);
	} else if (head.id == SOT_MSG_ANSWER) {
		w->requests[head.request_id - 1].answered = true;
	} else if (head.id == SOT_MSG_REFUSED && sot_refused_decode(data, arena, &no, &err) == SOT_OK) {
		if (no.code == SOT_REFUSAL_INTERNAL || no.code == SOT_REFUSAL_INVALID)
			world_fail(w, "a good request was refused: %.*s", SOT_ARG(no.text));
		if (no.code != SOT_REFUSAL_NOT_LEADER)
			w->requests[head.request_id - 1].answered = true;
	}
}
