#include "fixture.h"

#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sot_file.h"
#include "sot_map.h"
#include "sot_parse.h"

const char *binary;

/* ---- small things ---- */

int64_t control(world *w, const char *sql)
{
	PGresult *res = PQexec(w->control, sql);
	ExecStatusType status = PQresultStatus(res);
	if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(w->control));
	int64_t value = 0;
	sot_err err;
	if (PQntuples(res) > 0 && sot_parse_i64(sot_str_c(PQgetvalue(res, 0, 0)), INT64_MIN, INT64_MAX,
	                              &value, &err) != SOT_OK)
		value = 0; /* a statement without a number, such as a name */
	PQclear(res);
	return value;
}

void expect_zero(world *w, const char *what, const char *sql)
{
	int64_t n = control(w, sql);
	if (n != 0)
		fail_msg("%s: %lld", what, (long long)n);
}

static void make_keys(const world *w, const char *name, bus_keypair *keys)
{
	char path[160];
	sot_err err = {0};
	assert_int_equal(bus_keypair_make(keys, &err), SOT_OK);
	(void)snprintf(path, sizeof(path), "%s/%s.key", w->dir, name);
	if (bus_keypair_save(path, keys, &err) != SOT_OK)
		fail_msg("%s", err.text);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", w->dir, name);
	assert_int_equal(sot_file_write(path, sot_str_c(keys->public_key), 0644, &err), SOT_OK);
}

void start_server(world *w, const char *failpoints)
{
	extern char **environ;
	char text[8][300];
	static const char *const endpoints[] = {"requests", "agents", "reports", "hints"};
	char *argv[12] = {(char *)(uintptr_t)binary};
	int n = 0;
	for (; n < 4; n++)
		(void)snprintf(text[n], sizeof(text[n]), "--%s_endpoint=ipc://%s/%s", endpoints[n], w->dir,
		    endpoints[n]);
	(void)snprintf(text[n++], sizeof(text[0]), "--ipam_endpoint=ipc://%s/ipam", w->dir);
	(void)snprintf(text[n++], sizeof(text[0]), "--keys_dir=%s", w->dir);
	(void)snprintf(text[n++], sizeof(text[0]),
	    "--database=host=%s dbname=sotalia user=sot_scheduler", getenv("SOT_PG_DIR"));
	for (int k = 0; k < n; k++)
		argv[k + 1] = text[k];
	argv[n + 1] = (char *)(uintptr_t) "--lease_ms=600";
	argv[n + 2] = (char *)(uintptr_t) "--renew_ms=150";
	argv[n + 3] = NULL;
	assert_int_equal(setenv("SOT_FAILPOINTS", failpoints, 1), 0);
	assert_int_equal(posix_spawn(&w->pid, binary, NULL, NULL, argv, environ), 0);
}

int end_server(world *w, int signo)
{
	int status = 0;
	if (w->pid <= 0)
		return 0;
	(void)kill(w->pid, signo);
	(void)waitpid(w->pid, &status, 0);
	w->pid = 0;
	return status;
}

/* Starts it anew when a failpoint has killed it. Returns whether it had. */
static bool revive(world *w)
{
	int status = 0;
	if (waitpid(w->pid, &status, WNOHANG) != w->pid)
		return false;
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the scheduler ended by itself, status %d", status);
	w->revived++;
	start_server(w, "");
	return true;
}

/* ---- ipam, as its contract says ---- */

static holding *holding_of(world *w, sot_uuid owner, bool make)
{
	holding *free_one = NULL;
	for (size_t k = 0; k < HOLDINGS; k++) {
		holding *h = &w->holdings[k];
		if (h->generation != 0 && sot_uuid_eq(h->owner, owner))
			return h;
		if (h->generation == 0 && !free_one)
			free_one = h;
	}
	if (!make)
		return NULL;
	assert_non_null(free_one);
	*free_one = (holding){owner, ++w->next_generation};
	return free_one;
}

static void on_acquire(void *self, const void *from, const sot_addresses_acquire *m)
{
	world *w = self;
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_address_grant *grants = sot_alloc_array(m->wants_count + 1, sizeof(*grants));
	for (size_t k = 0; k < m->wants_count; k++) {
		const holding *h = holding_of(w, m->wants[k].owner, true);
		uint32_t address = 0x0a420002u + (uint32_t)(h - w->holdings);
		grants[k] = (sot_address_grant){.owner = h->owner,
		    .address = sot_ip_from_v4(address),
		    .mac = {{2, 0x0a, 10, 0x42, (uint8_t)(address >> 8), (uint8_t)address}},
		    .generation = h->generation};
	}
	sot_subnet_facts facts = {
	    .vlan = SOT_STR("default"), .prefix = 16, .gateway = sot_ip_from_v4(0x0a420001)};
	sot_addresses_granted reply = {m->request_id, &facts, 1, grants, m->wants_count};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_granted_encode(&reply, &out, &err), SOT_OK);
	(void)bus_send(w->ipam, from, sot_buf_str(&out), &err);
	free(grants);
}

static void say_done(world *w, const void *from, uint64_t request_id, uint32_t changed)
{
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_addresses_done reply = {request_id, changed, 0};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_addresses_done_encode(&reply, &out, &err), SOT_OK);
	(void)bus_send(w->ipam, from, sot_buf_str(&out), &err);
}

static void on_release(void *self, const void *from, const sot_addresses_release *m)
{
	world *w = self;
	uint32_t changed = 0;
	for (size_t k = 0; k < m->refs_count; k++) {
		holding *h = holding_of(w, m->refs[k].owner, false);
		if (h && h->generation == m->refs[k].generation) {
			h->generation = 0;
			changed++;
		}
	}
	say_done(w, from, m->request_id, changed);
}

static void on_vlans_read(void *self, const void *from, const sot_vlans_read *m)
{
	world *w = self;
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_vlan_state lan = {.name = SOT_STR("default"), .free_v4 = HOLDINGS};
	sot_vlans reply = {
	    .request_id = m->request_id, .version = 1, .full = true, .vlans = &lan, .vlans_count = 1};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_vlans_encode(&reply, &out, &err), SOT_OK);
	(void)bus_send(w->ipam, from, sot_buf_str(&out), &err);
}

static void on_bind(void *self, const void *from, const sot_addresses_bind *m)
{
	say_done(self, from, m->request_id, (uint32_t)m->refs_count);
}

static void on_fence(void *self, const void *from, const sot_addresses_fence *m)
{
	say_done(self, from, m->request_id, 0);
}

static void on_ipam_frame(void *self, const bus_peer *from, sot_str frame)
{
	static const sot_ipam_handlers handlers = {
	    .addresses_acquire = on_acquire,
	    .addresses_release = on_release,
	    .addresses_bind = on_bind,
	    .addresses_fence = on_fence,
	    .vlans_read = on_vlans_read,
	};
	world *w = self;
	sot_err err = {0};
	assert_string_equal(from->identity, "svc:scheduler");
	assert_int_equal(sot_ipam_dispatch(&handlers, w, from, frame, w->arena, &err), SOT_OK);
	sot_arena_reset(w->arena);
}

/* ---- agents: carry everything out at once ---- */

static void agent_say(agent *a, const sot_buf *frame)
{
	sot_err err;
	(void)bus_client_send(a->client, sot_buf_str(frame), &err);
}

static void say_hello(agent *a)
{
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_hello m = {.protocol_version = 1,
	    .boot_id = SOT_STR("boot"),
	    .agent_start_id = a->start_id,
	    .generation = a->generation,
	    .docker_version = SOT_STR("20.10"),
	    .cpu_milli = 8000,
	    .memory_bytes = 16ull << 30,
	    .disk_bytes = 1ull << 40};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_hello_encode(&m, &out, &err), SOT_OK);
	agent_say(a, &out);
}

static void say_status(agent *a)
{
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_instance_status *list = sot_alloc_array(a->count + 1, sizeof(*list));
	for (size_t k = 0; k < a->count; k++) {
		static const sot_observed_state seen[] = {
		    SOT_OBSERVED_STATE_RUNNING, SOT_OBSERVED_STATE_STOPPED, SOT_OBSERVED_STATE_RETIRED};
		bool runs = a->kept[k].desired == SOT_DESIRED_STATE_RUNNING;
		list[k] = (sot_instance_status){.instance_id = a->kept[k].id,
		    .generation = a->kept[k].generation,
		    .restart_seq = a->kept[k].restart_seq,
		    .observed = seen[a->kept[k].desired],
		    .health = runs ? SOT_HEALTH_HEALTHY : SOT_HEALTH_UNKNOWN,
		    .version = sot_str_c(a->kept[k].version),
		    .container_id = SOT_STR("c0ffee"),
		    .started_unix_ms = 1700000000000};
	}
	sot_status m = {.boot_id = SOT_STR("boot"),
	    .agent_start_id = a->start_id,
	    .seq = ++a->seq,
	    .full = true,
	    .instances = list,
	    .instances_count = a->count};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_status_encode(&m, &out, &err), SOT_OK);
	agent_say(a, &out);
	free(list);
}

static void keep(agent *a, const sot_instance_spec *spec)
{
	size_t k = 0;
	while (k < a->count && !sot_uuid_eq(a->kept[k].id, spec->instance_id))
		k++;
	assert_true(k < KEPT);
	if (k == a->count)
		a->count++;
	else if (a->kept[k].generation > spec->generation)
		return;
	a->kept[k].id = spec->instance_id;
	a->kept[k].generation = spec->generation;
	a->kept[k].restart_seq = spec->restart_seq;
	a->kept[k].desired = spec->desired;
	(void)snprintf(a->kept[k].version, sizeof(a->kept[k].version), "%.*s", SOT_ARG(spec->version));
}

static void on_push(void *self, sot_str frame)
{
	agent *a = self;
	sot_arena *arena = a->w->arena;
	sot_wire_head head;
	sot_assign assign;
	sot_heartbeat_ack ack;
	sot_err err = {0};
	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	if (head.id == SOT_MSG_ASSIGN) {
		assert_int_equal(sot_assign_decode(frame, arena, &assign, &err), SOT_OK);
		if (assign.from_generation != 0 && assign.from_generation != a->generation) {
			say_hello(a);
		} else {
			for (size_t k = 0; k < assign.instances_count; k++)
				keep(a, &assign.instances[k]);
			a->generation = assign.generation;
			say_status(a);
		}
	} else if (head.id == SOT_MSG_HEARTBEAT_ACK) {
		assert_int_equal(sot_heartbeat_ack_decode(frame, arena, &ack, &err), SOT_OK);
		if (ack.generation != a->generation)
			say_hello(a);
	}
	sot_arena_reset(arena);
}

static void on_agent_up(void *self, bool up)
{
	if (up)
		say_hello(self);
}

/* The interval is long, so that one report says it all. */
static void say_load(agent *a)
{
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_host_report m = {.host_name = SOT_STR("n"),
	    .interval_ms = 600000,
	    .cpu_cores = 8,
	    .cpu_user_permille = a->cpu_permille,
	    .memory_total_bytes = 16ull << 30,
	    .memory_available_bytes = 16ull << 30};
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_host_report_encode(&m, &out, &err), SOT_OK);
	if (a->cpu_permille > 0)
		bus_publish(a->reports, SOT_STR("report"), sot_buf_str(&out));
}

static void on_beat(void *self, uint64_t missed)
{
	agent *a = self;
	SOT_AUTO_BUF out = {0};
	sot_err err = {0};
	sot_heartbeat m = {SOT_STR("boot"), a->generation, true, (uint32_t)a->count};
	(void)missed;
	sot_buf_init(&out, SOT_WIRE_FRAME_MAX);
	assert_int_equal(sot_heartbeat_encode(&m, &out, &err), SOT_OK);
	agent_say(a, &out);
	say_status(a);
	say_load(a);
}

/* ---- the gateway ---- */

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	world *w = self;
	sot_wire_head head = {0};
	sot_refused no;
	sot_err err = {0};
	w->answered = true;
	w->message = 0;
	if (code != SOT_OK) {
		(void)snprintf(w->text, sizeof(w->text), "%s", why->text);
		return;
	}
	assert_int_equal(sot_wire_peek(frame, &head, &err), SOT_OK);
	w->message = head.id;
	if (head.id == SOT_MSG_ACCEPTED) {
		assert_int_equal(sot_accepted_decode(frame, w->arena, &w->accepted, &err), SOT_OK);
	} else if (head.id == SOT_MSG_REFUSED) {
		assert_int_equal(sot_refused_decode(frame, w->arena, &no, &err), SOT_OK);
		w->code = no.code;
		(void)snprintf(w->text, sizeof(w->text), "%.*s", SOT_ARG(no.text));
	}
	sot_arena_reset(w->arena);
}

static void turn(world *w)
{
	reactor_turn(w->loop, 50);
	(void)revive(w);
}

void gateway_send(world *w, uint64_t request_id, sot_str frame)
{
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), LIMIT_MS);
	sot_err err = {0};
	/* A standby, a new process: the gateway asks again with the same key. */
	do {
		w->answered = false;
		assert_int_equal(
		    bus_request(w->requests, request_id, frame, 2000, on_reply, w, &err), SOT_OK);
		while (!w->answered)
			turn(w);
	} while (
	    (w->message == 0 || (w->message == SOT_MSG_REFUSED && w->code == SOT_REFUSAL_NOT_LEADER)) &&
	    !sot_mono_reached(sot_mono_now(), limit));
}

sot_request_context context(world *w, char key[static 32], uint64_t number)
{
	static const char digest[32] = "0123456789012345678901234567890";
	(void)w;
	(void)snprintf(key, 32, "key-%llu", (unsigned long long)number);
	return (sot_request_context){.actor = SOT_STR("user:test"),
	    .idempotency_key = sot_str_c(key),
	    .request_sha256 = {digest, 32},
	    .reason = SOT_STR("a test")};
}

void expect_accepted(world *w)
{
	if (w->message != SOT_MSG_ACCEPTED)
		fail_msg("refused: %s", w->text);
}

void wait_for(world *w, const char *sql)
{
	sot_mono limit = sot_mono_add_ms(sot_mono_now(), LIMIT_MS);
	while (control(w, sql) == 0) {
		if (sot_mono_reached(sot_mono_now(), limit))
			fail_msg("never came true: %s", sql);
		turn(w);
	}
}

void wait_done(world *w)
{
	char sql[200], id[SOT_UUID_TEXT];
	expect_accepted(w);
	(void)snprintf(sql, sizeof(sql),
	    "SELECT count(*) FROM scheduler.operation WHERE id = '%s' AND state = 'done'",
	    sot_uuid_format(w->accepted.operation_id, id));
	wait_for(w, sql);
}

void scale(world *w, uint32_t count)
{
	ASK(w, app_scale, .name = SOT_STR("shop"), .count = count);
	wait_done(w);
}

/* What was reserved for an owner of which no row tells goes back: its commit never happened. */
static void end_leases(world *w)
{
	char sql[200], id[SOT_UUID_TEXT];
	for (size_t k = 0; k < HOLDINGS; k++) {
		if (w->holdings[k].generation == 0)
			continue;
		(void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM scheduler.instance WHERE id = '%s'",
		    sot_uuid_format(w->holdings[k].owner, id));
		if (control(w, sql) == 0)
			w->holdings[k].generation = 0;
	}
}

void expect_invariants(world *w, int64_t live)
{
	wait_for(w,
	    "SELECT (count(*) = 0)::int FROM scheduler.operation WHERE state IN ('queued', 'running')");
	wait_for(w, "SELECT (count(*) = 0)::int FROM scheduler.instance WHERE state = 'retiring'");
	expect_zero(w, "booked differs from the instances",
	    "SELECT count(*) FROM scheduler.host h WHERE booked_memory_bytes <> (SELECT "
	    "coalesce(sum(i.memory_bytes), 0)"
	    " FROM scheduler.instance i WHERE i.host_id = h.id AND i.state <> 'retired')");
	expect_zero(w, "an unfinished step of an ended operation",
	    "SELECT count(*) FROM scheduler.operation_step WHERE state IN ('queued', 'running')");
	assert_int_equal(
	    control(w, "SELECT count(*) FROM scheduler.instance WHERE state = 'running'"), live);
	assert_int_equal(
	    control(
	        w, "SELECT count(DISTINCT address) FROM scheduler.instance WHERE state <> 'retired'"),
	    live);
	end_leases(w);
	int64_t held = 0;
	for (size_t k = 0; k < HOLDINGS; k++)
		held += w->holdings[k].generation != 0;
	assert_int_equal(held, live);
	expect_zero(w, "an instance of which nobody knows why it is there",
	    "SELECT count(*) FROM scheduler.instance i WHERE host_id IS NOT NULL AND NOT EXISTS (SELECT"
	    " FROM scheduler.placement_v d WHERE d.id = i.decision_id AND d.data->'placed' @@"
	    " format('$[*][0] == %s', to_json(i.name))::jsonpath)");
	expect_zero(
	    w, "a refusal of which nobody waits", "SELECT count(*) FROM scheduler.decision WHERE open");
	expect_zero(w, "an operation without its audit row",
	    "SELECT count(*) FROM scheduler.operation o WHERE parent_id IS NULL"
	    " AND (SELECT count(*) FROM gateway.audit a WHERE a.operation_id = o.id) <> 1");
	expect_zero(w, "a bulk operation that counts other children than it has",
	    "SELECT count(*) FROM scheduler.operation o WHERE o.children_total <> (SELECT count(*)"
	    " FROM scheduler.operation c WHERE c.parent_id = o.id) OR o.children_done <> (SELECT "
	    "count(*)"
	    " FROM scheduler.operation c WHERE c.parent_id = o.id AND c.state = 'done')");
}

/* ---- fixture ---- */

static void open_agent(world *w, int index, const char *server_key)
{
	agent *a = &w->agents[index];
	char name[32], endpoint[120];
	bus_keypair keys;
	sot_err err = {0};
	a->w = w;
	a->start_id = (uint64_t)index + 7;
	(void)snprintf(name, sizeof(name), "agent%d", index);
	assert_int_equal(bus_keypair_make(&keys, &err), SOT_OK);
	memcpy(a->public_key, keys.public_key, sizeof(a->public_key));
	assert_int_equal(bus_new(w->loop, &keys, &a->bus, &err), SOT_OK);
	(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/agents", w->dir);
	assert_int_equal(
	    bus_connect(a->bus, name, endpoint, server_key, on_push, on_agent_up, a, &a->client, &err),
	    SOT_OK);
	(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/reports", w->dir);
	assert_int_equal(
	    bus_publisher_new(a->bus, "reports", endpoint, false, server_key, &a->reports, &err),
	    SOT_OK);
	reactor_every_ms(w->loop, 300, on_beat, a);
}

int setup(void **state)
{
	bus_keypair server, gateway, ipam;
	char text[300];
	sot_err err = {0};
	if (!getenv("SOT_PG_DIR") || !binary) {
		print_error("run it as: tests/pg.sh run scheduler_pg_test PATH_OF_sotalia-scheduler\n");
		return -1;
	}
	world *w = sot_alloc(sizeof(*w));
	*state = w;
	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/sotalia-scheduler-test.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(
	    text, sizeof(text), "host=%s dbname=sotalia user=postgres", getenv("SOT_PG_DIR"));
	w->control = PQconnectdb(text);
	assert_int_equal(PQstatus(w->control), CONNECTION_OK);
	w->arena = sot_arena_new(8u << 20);
	assert_int_equal(reactor_new(&w->loop, &err), SOT_OK);
	make_keys(w, "scheduler", &server);
	make_keys(w, "api-gateway", &gateway);
	make_keys(w, "ipam", &ipam);
	assert_int_equal(bus_new(w->loop, &gateway, &w->gateway, &err), SOT_OK);
	assert_int_equal(bus_new(w->loop, &ipam, &w->ipam_bus, &err), SOT_OK);
	bus_allow(w->ipam_bus, server.public_key, "svc:scheduler");
	(void)snprintf(text, sizeof(text), "ipc://%s/ipam", w->dir);
	assert_int_equal(
	    bus_listen(w->ipam_bus, "ipam", text, on_ipam_frame, w, &w->ipam, &err), SOT_OK);
	(void)snprintf(text, sizeof(text), "ipc://%s/requests", w->dir);
	assert_int_equal(bus_connect(w->gateway, "requests", text, server.public_key, NULL, NULL, w,
	                     &w->requests, &err),
	    SOT_OK);
	for (int k = 0; k < AGENTS; k++)
		open_agent(w, k, server.public_key);
	start_server(w, "");
	return 0;
}

int teardown(void **state)
{
	world *w = *state;
	char command[100];
	end_server(w, SIGKILL);
	for (int k = 0; k < AGENTS; k++)
		bus_free(w->agents[k].bus);
	bus_free(w->gateway);
	bus_free(w->ipam_bus);
	reactor_free(w->loop);
	sot_arena_free(w->arena);
	PQfinish(w->control);
	static const char *const files[] = {"scheduler.key", "scheduler.key_secret", "scheduler.pub",
	    "ipam.key", "ipam.key_secret", "ipam.pub", "api-gateway.key", "api-gateway.key_secret",
	    "api-gateway.pub", "requests", "agents", "reports", "hints", "ipam"};
	for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++) {
		(void)snprintf(command, sizeof(command), "%s/%s", w->dir, files[k]);
		(void)unlink(command);
	}
	(void)rmdir(w->dir);
	free(w);
	return 0;
}
