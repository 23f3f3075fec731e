/* ipam_pg_test - the real sotalia-ipam on a real PostgreSQL over CURVE sockets: no address twice,
 * none lost, whatever dies. Argument: the binary.
 */
#include "bus.h"
#include "pg_control.h"
#include "sot_file.h"
#include "sot_map.h"
#include "sot_parse.h"
#include "sot_proto.h"
#include "sot_rand.h"

#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { SERVERS = 2, CLIENTS = 64, REQUEST_MS = 60000 };
static const char *binary;

typedef struct world {
	char dir[80];
	reactor *loop;
	bus *bus;
	sot_arena *arena;
	PGconn *control;
	bus_client *clients[SERVERS][CLIENTS];
	size_t client_count;
	pid_t pids[SERVERS];
	char server_key[BUS_KEY_TEXT];
} world;

/* One request and what came back. */
typedef struct call {
	world *w;
	unsigned done;
	sot_code code;
	uint32_t message; /* id of the reply */
	struct {
		uint32_t address, gateway;
		uint64_t generation;
		uint16_t vlan_id;
		uint8_t prefix;
	} grant; /* the first one */
	size_t grants;
	uint32_t changed, skipped;
	sot_refusal refusal;
	char pointer[129], text[2001];
	sot_uuid resource_id;
	bool replayed;
} call;

/* ---- the world ---- */

static int64_t control(world *w, const char *sql)
{
	return pg_control(w->control, sql);
}

static void make_keys(world *w, const char *name, bus_keypair *keys)
{
	char path[200];
	sot_err err = {0};
	assert_int_equal(bus_keypair_make(keys, &err), SOT_OK);
	(void)snprintf(path, sizeof(path), "%s/%s.key", w->dir, name);
	if (bus_keypair_save(path, keys, &err) != SOT_OK)
		fail_msg("%s", err.text);
	(void)snprintf(path, sizeof(path), "%s/%s.pub", w->dir, name);
	assert_int_equal(sot_file_write(path, sot_str_c(keys->public_key), 0644, &err), SOT_OK);
}

static void start_server(world *w, int index, const char *failpoints)
{
	extern char **environ;
	char keys[120], requests[120], hints[120], database[200], points[200];
	(void)snprintf(keys, sizeof(keys), "--keys_dir=%s", w->dir);
	(void)snprintf(requests, sizeof(requests), "--requests_endpoint=ipc://%s/r%d", w->dir, index);
	(void)snprintf(hints, sizeof(hints), "--hints_endpoint=ipc://%s/h%d", w->dir, index);
	(void)snprintf(database, sizeof(database), "--database=host=%s dbname=sotalia user=sot_ipam",
	    getenv("SOT_PG_DIR"));
	(void)snprintf(points, sizeof(points), "%s", failpoints);
	assert_int_equal(setenv("SOT_FAILPOINTS", points, 1), 0);
	char *argv[] = {(char *)(uintptr_t)binary, keys, requests, hints, database, NULL};
	assert_int_equal(posix_spawn(&w->pids[index], binary, NULL, NULL, argv, environ), 0);
}

static int end_server(world *w, int index, int signo)
{
	int status = 0;
	if (w->pids[index] <= 0)
		return 0;
	if (signo)
		(void)kill(w->pids[index], signo);
	(void)waitpid(w->pids[index], &status, 0);
	w->pids[index] = 0;
	return status;
}

static void connect_clients(world *w, size_t count)
{
	sot_err err = {0};
	for (int server = 0; server < SERVERS; server++) {
		char endpoint[120];
		(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/r%d", w->dir, server);
		for (size_t i = w->client_count; i < count; i++) {
			if (bus_connect(w->bus, "ipam", endpoint, w->server_key, NULL, NULL, w,
			        &w->clients[server][i], &err) != SOT_OK)
				fail_msg("%s", err.text);
		}
	}
	w->client_count = count;
}

static int setup(void **state)
{
	PGconn *pg = binary ? pg_control_open() : NULL;
	if (!pg)
		return -1;
	world *w = sot_alloc(sizeof(*w));
	*state = w;
	/* Gone with the scratch server. */
	(void)snprintf(w->dir, sizeof(w->dir), "%s/ipam.XXXXXX", getenv("SOT_PG_DIR"));
	assert_non_null(mkdtemp(w->dir));
	w->control = pg;
	(void)control(w,
	    "TRUNCATE ipam.vlan, ipam.vlan_scope, ipam.subnet, ipam.address_range, ipam.usage_sample,"
	    " ipam.subnet_usage, ipam.address, ipam.address_event, ipam.operation_ref,"
	    " core.outbox, gateway.audit");
	bus_keypair ipam_keys, scheduler_keys, other_keys;
	sot_err err = {0};
	make_keys(w, "ipam", &ipam_keys);
	make_keys(w, "scheduler", &scheduler_keys);
	make_keys(w, "monitor-bridge", &other_keys);
	(void)snprintf(w->server_key, sizeof(w->server_key), "%s", ipam_keys.public_key);
	assert_int_equal(reactor_new(&w->loop, &err), SOT_OK);
	assert_int_equal(bus_new(w->loop, &scheduler_keys, &w->bus, &err), SOT_OK);
	w->arena = sot_arena_new((size_t)4 * 1024 * 1024);
	connect_clients(w, 1);
	return 0;
}

static int teardown(void **state)
{
	world *w = *state;
	int bad = 0;
	for (int i = 0; i < SERVERS; i++)
		bad |= end_server(w, i, SIGTERM); /* also: drains, no leak, exit code 0 */
	for (int server = 0; server < SERVERS; server++) {
		for (size_t i = 0; i < w->client_count; i++)
			bus_client_free(w->clients[server][i]);
	}
	bus_free(w->bus);
	reactor_free(w->loop);
	sot_arena_free(w->arena);
	PQfinish(w->control);
	free(w);
	if (bad)
		print_error("a server ended with status %d\n", bad);
	return bad ? -1 : 0;
}

/* ---- calls ---- */

static void take_grant(call *c, const sot_address_grant *g, const sot_subnet_facts *facts)
{
	c->grant.address = sot_ip_v4(g->address);
	c->grant.generation = g->generation;
	c->grant.prefix = facts->prefix;
	c->grant.gateway = sot_ip_v4(facts->gateway);
	c->grant.vlan_id = facts->vlan_id;
}

static void on_granted(void *self, const void *from, const sot_addresses_granted *m)
{
	(void)from;
	call *c = self;
	c->message = SOT_MSG_ADDRESSES_GRANTED;
	c->grants = m->grants_count;
	if (m->grants_count > 0)
		take_grant(c, &m->grants[0], &m->subnets[m->grants[0].subnet]);
}
static void on_done(void *self, const void *from, const sot_addresses_done *m)
{
	(void)from;
	call *c = self;
	c->message = SOT_MSG_ADDRESSES_DONE;
	c->changed = m->changed;
	c->skipped = m->skipped;
}
static void on_accepted(void *self, const void *from, const sot_accepted *m)
{
	(void)from;
	call *c = self;
	c->message = SOT_MSG_ACCEPTED;
	c->resource_id = m->resource_id;
	c->replayed = m->replayed;
}
static void on_refused(void *self, const void *from, const sot_refused *m)
{
	(void)from;
	call *c = self;
	c->message = SOT_MSG_REFUSED;
	c->refusal = m->code;
	(void)snprintf(c->pointer, sizeof(c->pointer), "%.*s", SOT_ARG(m->pointer));
	(void)snprintf(c->text, sizeof(c->text), "%.*s", SOT_ARG(m->text));
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_replies replies = {.addresses_granted = on_granted,
	    .addresses_done = on_done,
	    .accepted = on_accepted,
	    .refused = on_refused};
	call *c = self;
	sot_err err = {0};
	c->done++;
	c->code = code;
	if (code != SOT_OK) {
		(void)snprintf(c->text, sizeof(c->text), "%s", why->text);
		return;
	}
	sot_arena_reset(c->w->arena);
	if (sot_ipam_dispatch_reply(&replies, c, NULL, frame, c->w->arena, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static void send_frame(
    world *w, int server, size_t client, uint64_t request_id, sot_buf *frame, call *c)
{
	sot_err err = {0};
	*c = (call){.w = w};
	assert_false(sot_buf_failed(frame));
	if (bus_request(w->clients[server][client], request_id, sot_buf_str(frame), REQUEST_MS,
	        on_reply, c, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

static sot_uuid owner_of(uint32_t number)
{
	sot_uuid id = {{0x01, 0x90}};
	memcpy(id.b + 12, &number, sizeof(number));
	return id;
}

/* `count` owners from `first` on, one address each. */
static void send_acquire(
    world *w, int server, size_t client, uint32_t first, uint32_t count, call *c)
{
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_addresses_acquire m = {.request_id = bus_next_request_id(w->bus),
	    .actor = SOT_STR("user:test"),
	    .wants_count = count};
	m.wants = sot_alloc_array(count, sizeof(*m.wants));
	for (uint32_t i = 0; i < count; i++)
		m.wants[i] = (sot_address_want){.owner = owner_of(first + i), .vlan = SOT_STR("lab")};
	assert_int_equal(sot_addresses_acquire_encode(&m, &frame, NULL), SOT_OK);
	free(m.wants);
	send_frame(w, server, client, m.request_id, &frame, c);
}

static call acquire(world *w, uint32_t first, uint32_t count)
{
	call c;
	send_acquire(w, 0, 0, first, count, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

static call change(world *w, bool is_release, uint32_t owner, uint64_t generation)
{
	call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_ref ref = {.owner = owner_of(owner), .generation = generation};
	if (!is_release)
		ref.host = owner_of(1000000);
	sot_addresses_release release = {.request_id = bus_next_request_id(w->bus),
	    .actor = SOT_STR("user:test"),
	    .refs = &ref,
	    .refs_count = 1};
	sot_addresses_bind bind = {.request_id = release.request_id,
	    .actor = SOT_STR("user:test"),
	    .refs = &ref,
	    .refs_count = 1};
	sot_code code = is_release ? sot_addresses_release_encode(&release, &frame, NULL)
	                           : sot_addresses_bind_encode(&bind, &frame, NULL);
	assert_int_equal(code, SOT_OK);
	send_frame(w, 0, 0, release.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

typedef struct network {
	const char *name, *cidr, *gateway, *key;
	uint32_t first, last;
} network;

static uint32_t ipv4(const char *text)
{
	uint32_t address = 0;
	if (text)
		assert_int_equal(sot_parse_ipv4(sot_str_c(text), &address, NULL), SOT_OK);
	return address;
}

static call create_network(world *w, network n)
{
	call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_str rest;
	char base[20];
	sot_str head = sot_str_cut(sot_str_c(n.cidr), '/', &rest);
	(void)snprintf(base, sizeof(base), "%.*s", SOT_ARG(head));
	uint64_t prefix = 0;
	assert_int_equal(sot_parse_u64(rest, 0, 32, &prefix, NULL), SOT_OK);
	char sha[33];
	(void)snprintf(sha, sizeof(sha), "%-32.32s", n.cidr);
	sot_network_create m = {.request_id = bus_next_request_id(w->bus),
	    .context = {.actor = SOT_STR("user:test"),
	        .idempotency_key = sot_str_c(n.key),
	        .request_sha256 = {sha, 32}},
	    .name = sot_str_c(n.name),
	    .vlan_id = 7,
	    .network = sot_ip_from_v4(ipv4(base)),
	    .prefix = (uint8_t)prefix,
	    .gateway = n.gateway ? sot_ip_from_v4(ipv4(n.gateway)) : (sot_ip){0},
	    .first = n.first ? sot_ip_from_v4(n.first) : (sot_ip){0},
	    .last = n.last ? sot_ip_from_v4(n.last) : (sot_ip){0}};
	assert_int_equal(sot_network_create_encode(&m, &frame, NULL), SOT_OK);
	send_frame(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

/* A network "lab" with exactly `count` addresses. */
static void make_lab(world *w, uint32_t count)
{
	uint32_t base = ipv4("10.66.0.0");
	call c = create_network(w, (network){.name = "lab",
	                               .cidr = "10.66.0.0/16",
	                               .gateway = "10.66.0.1",
	                               .key = "lab",
	                               .first = base + 11,
	                               .last = base + 10 + count});
	assert_string_equal(c.text, "");
	assert_int_equal(c.message, SOT_MSG_ACCEPTED);
}

static void assert_consistent(world *w, int64_t rows)
{
	assert_int_equal(control(w, "SELECT count(*) FROM ipam.address WHERE owner IS NOT NULL"), rows);
	assert_int_equal(control(w, "SELECT count(DISTINCT owner) FROM ipam.address"), rows);
	assert_int_equal(control(w, "SELECT count(*) FROM ipam.address_event WHERE event = 'reserved'"),
	    control(w, "SELECT count(*) FROM core.outbox WHERE kind = 'address.state'"
	               " AND data->'changed'->'state'->>1 = 'reserved'"));
}

/* ---- tests ---- */

static void a_network_is_made_once_and_refusals_name_the_field(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	network lab = {.name = "lab", .cidr = "10.66.0.0/24", .gateway = "10.66.0.1", .key = "k1"};
	call first = create_network(w, lab);
	assert_int_equal(first.message, SOT_MSG_ACCEPTED);
	assert_false(first.replayed);
	call again = create_network(w, lab);
	assert_int_equal(again.message, SOT_MSG_ACCEPTED);
	assert_true(again.replayed);
	assert_true(sot_uuid_eq(again.resource_id, first.resource_id));
	call reused = create_network(w, (network){.name = "b", .cidr = "10.67.0.0/24", .key = "k1"});
	assert_int_equal(reused.refusal, SOT_REFUSAL_KEY_REUSED);
	call overlap = create_network(w, (network){.name = "b", .cidr = "10.66.0.0/16", .key = "k2"});
	assert_int_equal(overlap.refusal, SOT_REFUSAL_CONFLICT);
	assert_string_equal(overlap.pointer, "/cidr");
	assert_string_equal(overlap.text, "10.66.0.0/16 overlaps with 10.66.0.0/24 of network lab");
	call name = create_network(w, (network){.name = "lab", .cidr = "10.68.0.0/16", .key = "k3"});
	assert_string_equal(name.pointer, "/name");
	call outside = create_network(
	    w, (network){.name = "b", .cidr = "10.67.0.0/24", .gateway = "10.66.0.1", .key = "k4"});
	assert_int_equal(outside.refusal, SOT_REFUSAL_INVALID);
	assert_string_equal(outside.pointer, "/gateway");
	assert_string_equal(
	    outside.text, "the gateway 10.66.0.1 is not one of 10.67.0.1 to 10.67.0.254");
	call bits = create_network(w, (network){.name = "b", .cidr = "10.67.0.1/24", .key = "k5"});
	assert_string_equal(bits.text, "10.67.0.1/24 has host bits; the network is 10.67.0.0/24");
	assert_int_equal(control(w, "SELECT count(*) FROM ipam.subnet"), 1);
	assert_int_equal(control(w, "SELECT count(*) FROM gateway.audit"), 1);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM core.outbox WHERE kind = 'network.created'"), 1);
	call unknown = acquire(w, 1, 1);
	assert_int_equal(unknown.message, SOT_MSG_ADDRESSES_GRANTED);
	assert_int_equal(unknown.grant.address, ipv4("10.66.0.2"));
	assert_int_equal(unknown.grant.prefix, 24);
	assert_int_equal(unknown.grant.gateway, ipv4("10.66.0.1"));
	assert_int_equal(unknown.grant.vlan_id, 7);
}

static void an_owner_keeps_its_address_until_it_is_released_and_cooled(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	make_lab(w, 2);
	call one = acquire(w, 1, 1);
	assert_int_equal(one.message, SOT_MSG_ADDRESSES_GRANTED);
	call same = acquire(w, 1, 1);
	assert_int_equal(same.grant.address, one.grant.address);
	assert_int_equal(same.grant.generation, one.grant.generation);
	call bound = change(w, false, 1, one.grant.generation);
	assert_int_equal(bound.changed, 1);
	assert_int_equal(change(w, false, 1, one.grant.generation).changed, 1);
	assert_int_equal(
	    control(w, "SELECT count(*) FROM ipam.address_event WHERE event = 'bound'"), 1);
	call stale = change(w, true, 1, one.grant.generation + 1);
	assert_int_equal(stale.changed, 0);
	assert_int_equal(stale.skipped, 1);
	assert_int_equal(change(w, true, 1, one.grant.generation).changed, 1);
	assert_int_equal(change(w, true, 1, one.grant.generation).skipped, 1);
	call other = acquire(w, 2, 1);
	assert_int_not_equal(other.grant.address, one.grant.address);
	call blocked = acquire(w, 3, 1);
	assert_int_equal(blocked.refusal, SOT_REFUSAL_BLOCKED);
	assert_non_null(strstr(blocked.text, "network lab has no free address for 1 wanted"));
	assert_non_null(strstr(blocked.text, "10.66.0.0/16 (2 addresses: 0 free, 1 used, 1 cooling"));
	(void)control(w, "UPDATE ipam.address SET free_after = now() WHERE state = 'cooling'");
	call cooled = acquire(w, 3, 1);
	assert_int_equal(cooled.grant.address, one.grant.address);
	assert_int_equal(cooled.grant.generation, one.grant.generation + 1);
	assert_consistent(w, 2);
}

static void all_or_nothing(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	make_lab(w, 5);
	call blocked = acquire(w, 1, 6);
	assert_int_equal(blocked.refusal, SOT_REFUSAL_BLOCKED);
	assert_int_equal(control(w, "SELECT count(*) FROM ipam.address"), 0);
	call fits = acquire(w, 1, 5);
	assert_int_equal(fits.grants, 5);
	call missing = acquire(w, 4, 3); /* two of them are held, the third does not fit */
	assert_int_equal(missing.refusal, SOT_REFUSAL_BLOCKED);
	call held = acquire(w, 2, 4);
	assert_int_equal(held.grants, 4);
	call twice = acquire(w, 1, 1);
	assert_int_equal(twice.grants, 1);
	assert_consistent(w, 5);
}

static void peers_that_may_not_ask_are_denied(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	char path[200];
	bus_keypair keys;
	bus *other = NULL;
	bus_client *client = NULL;
	sot_err err = {0};
	(void)snprintf(path, sizeof(path), "%s/monitor-bridge.key", w->dir);
	assert_int_equal(bus_keypair_load(path, &keys, &err), SOT_OK);
	assert_int_equal(bus_new(w->loop, &keys, &other, &err), SOT_OK);
	(void)snprintf(path, sizeof(path), "ipc://%s/r0", w->dir);
	assert_int_equal(
	    bus_connect(other, "ipam", path, w->server_key, NULL, NULL, w, &client, &err), SOT_OK);
	bus_client *own = w->clients[0][0];
	w->clients[0][0] = client;
	call c = acquire(w, 1, 1);
	assert_int_equal(c.refusal, SOT_REFUSAL_DENIED);
	w->clients[0][0] = own;
	bus_client_free(client);
	bus_free(other);
}

/* Every one of N addresses is asked for by one of 64 clients, on `servers` processes at once. */
static void contend(world *w, int servers)
{
	enum { PER_CLIENT = 6, TOTAL = CLIENTS * PER_CLIENT };
	static call calls[TOTAL];
	connect_clients(w, CLIENTS);
	make_lab(w, TOTAL);
	for (uint32_t i = 0; i < TOTAL; i++)
		send_acquire(w, (int)i % servers, i % CLIENTS, 1 + i, 1, &calls[i]);
	SOT_AUTO(sot_map) seen = sot_map_new();
	for (uint32_t i = 0; i < TOTAL; i++) {
		TURN_UNTIL(w->loop, calls[i].done);
		assert_string_equal(calls[i].text, "");
		assert_int_equal(calls[i].grants, 1);
		assert_null(sot_map_set(seen, &calls[i].grant.address, 4, &calls[i]));
	}
	assert_consistent(w, TOTAL);
	for (int server = 0; server < servers; server++) {
		call c;
		send_acquire(w, server, 0, 100000, 1, &c);
		TURN_UNTIL(w->loop, c.done);
		assert_int_equal(c.refusal, SOT_REFUSAL_BLOCKED);
	}
}

static void sixty_four_clients_get_every_one_of_exactly_enough_addresses(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	contend(w, 1);
}

static void two_servers_at_once_never_give_a_duplicate_and_lose_none(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	start_server(w, 1, "");
	contend(w, 2);
}

static void two_servers_that_are_asked_for_the_same_owner_agree(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	start_server(w, 1, "");
	make_lab(w, 100);
	for (uint32_t i = 0; i < 100; i++) {
		call a, b;
		send_acquire(w, 0, 0, 1 + i, 1, &a);
		send_acquire(w, 1, 0, 1 + i, 1, &b);
		TURN_UNTIL(w->loop, a.done && b.done);
		assert_string_equal(a.text, "");
		assert_string_equal(b.text, "");
		assert_int_equal(a.grant.address, b.grant.address);
	}
	assert_consistent(w, 100);
}

static void crash_and_retry(world *w, const char *failpoint, int64_t rows_after_crash)
{
	start_server(w, 0, "");
	make_lab(w, 10);
	assert_int_equal(end_server(w, 0, SIGTERM), 0);
	start_server(w, 0, failpoint);
	call c;
	send_acquire(w, 0, 0, 1, 3, &c);
	int status = 0;
	pid_t ended = 0;
	TURN_UNTIL(w->loop, ended > 0 || (ended = waitpid(w->pids[0], &status, WNOHANG)) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(c.done, 0);
	/* The backend ends when it sees the closed socket. */
	TURN_UNTIL(w->loop,
	    control(w, "SELECT count(*) FROM pg_stat_activity WHERE usename = 'sot_ipam'") == 0);
	assert_int_equal(control(w, "SELECT count(*) FROM ipam.address"), rows_after_crash);
	int64_t address =
	    control(w, "SELECT coalesce(min(address) - '0.0.0.0'::inet, 0) FROM ipam.address");
	start_server(w, 0, "");
	TURN_UNTIL(w->loop, c.done); /* the bus repeats the request by itself */
	assert_string_equal(c.text, "");
	assert_int_equal(c.grants, 3);
	if (rows_after_crash)
		assert_int_equal(c.grant.address, address);
	assert_int_equal(c.grant.generation, 1);
	assert_consistent(w, 3);
}

static void killed_between_commit_and_answer_the_retry_gets_the_same_address(void **state)
{
	crash_and_retry(*state, "ipam.answer.before_send=crash", 3);
}

static void killed_before_the_commit_the_retry_starts_from_nothing(void **state)
{
	crash_and_retry(*state, "store.tx.before_commit=crash", 0);
}

static void a_lost_answer_to_commit_is_read_back_before_it_is_answered(void **state)
{
	world *w = *state;
	start_server(w, 0, "");
	make_lab(w, 10);
	assert_int_equal(end_server(w, 0, SIGTERM), 0);
	start_server(w, 0, "store.tx.after_commit=error:1");
	call c = acquire(w, 1, 4);
	assert_string_equal(c.text, "");
	assert_int_equal(c.grants, 4);
	assert_consistent(w, 4);
	assert_int_equal(control(w, "SELECT count(*) FROM ipam.address_event"), 4);
}

#define PG_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	binary = argc > 1 ? argv[1] : NULL;
	const struct CMUnitTest tests[] = {
	    PG_TEST(a_network_is_made_once_and_refusals_name_the_field),
	    PG_TEST(an_owner_keeps_its_address_until_it_is_released_and_cooled),
	    PG_TEST(all_or_nothing),
	    PG_TEST(peers_that_may_not_ask_are_denied),
	    PG_TEST(sixty_four_clients_get_every_one_of_exactly_enough_addresses),
	    PG_TEST(two_servers_at_once_never_give_a_duplicate_and_lose_none),
	    PG_TEST(two_servers_that_are_asked_for_the_same_owner_agree),
	    PG_TEST(killed_between_commit_and_answer_the_retry_gets_the_same_address),
	    PG_TEST(killed_before_the_commit_the_retry_starts_from_nothing),
	    PG_TEST(a_lost_answer_to_commit_is_read_back_before_it_is_answered),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
