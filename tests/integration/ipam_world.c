#include "ipam_world.h"

#include "sot_file.h"

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

enum { REQUEST_MS = 60000 };
const char *ipam_world_binary;

/* ---- the world ---- */

int64_t ipam_sql(ipam_world *w, const char *sql)
{
	return pg_control(w->control, sql);
}

static void make_keys(ipam_world *w, const char *name, bus_keypair *keys)
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

void ipam_start(ipam_world *w, int index, const char *failpoints, const char *option)
{
	extern char **environ;
	char keys[120], requests[120], hints[120], agents[120], database[200], more[120];
	(void)snprintf(keys, sizeof(keys), "--keys_dir=%s", w->dir);
	(void)snprintf(requests, sizeof(requests), "--requests_endpoint=ipc://%s/r%d", w->dir, index);
	(void)snprintf(hints, sizeof(hints), "--hints_endpoint=ipc://%s/h%d", w->dir, index);
	(void)snprintf(agents, sizeof(agents), "--agents_endpoint=ipc://%s/a%d", w->dir, index);
	(void)snprintf(database, sizeof(database), "--database=host=%s dbname=sotalia user=sot_ipam",
	    getenv("SOT_PG_DIR"));
	(void)snprintf(more, sizeof(more), "%s", option ? option : "");
	assert_int_equal(setenv("SOT_FAILPOINTS", failpoints, 1), 0);
	char *argv[] = {(char *)(uintptr_t)ipam_world_binary, keys, requests, hints, agents, database,
	    option ? more : NULL, NULL};
	assert_int_equal(posix_spawn(&w->pids[index], ipam_world_binary, NULL, NULL, argv, environ), 0);
}

int ipam_end(ipam_world *w, int index, int signo)
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

void ipam_connect(ipam_world *w, size_t count)
{
	sot_err err = {0};
	for (int server = 0; server < IPAM_SERVERS; server++) {
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

int ipam_world_setup(void **state)
{
	PGconn *pg = ipam_world_binary ? pg_control_open() : NULL;
	if (!pg)
		return -1;
	ipam_world *w = sot_alloc(sizeof(*w));
	*state = w;
	/* Gone with the scratch server. */
	(void)snprintf(w->dir, sizeof(w->dir), "%s/ipam.XXXXXX", getenv("SOT_PG_DIR"));
	assert_non_null(mkdtemp(w->dir));
	w->control = pg;
	(void)ipam_sql(w,
	    "TRUNCATE ipam.vlan, ipam.vlan_scope, ipam.subnet, ipam.address_range, ipam.usage_sample,"
	    " ipam.subnet_usage, ipam.pool_usage, ipam.address, ipam.address_event,"
	    " ipam.operation_ref, ipam.leak, ipam.finding, core.outbox_part, gateway.audit");
	(void)ipam_sql(w, "DELETE FROM ipam.vrf WHERE number > 0");
	(void)ipam_sql(w, "DELETE FROM ipam.import");
	(void)ipam_sql(w, "UPDATE ipam.guard SET asker_epoch = 0");
	bus_keypair ipam_keys, scheduler_keys, other_keys;
	sot_err err = {0};
	make_keys(w, "ipam", &ipam_keys);
	make_keys(w, "scheduler", &scheduler_keys);
	make_keys(w, "monitor-bridge", &other_keys);
	(void)snprintf(w->server_key, sizeof(w->server_key), "%s", ipam_keys.public_key);
	assert_int_equal(reactor_new(&w->loop, &err), SOT_OK);
	assert_int_equal(bus_new(w->loop, &scheduler_keys, &w->bus, &err), SOT_OK);
	w->arena = sot_arena_new((size_t)4 * 1024 * 1024);
	ipam_connect(w, 1);
	return 0;
}

int ipam_world_teardown(void **state)
{
	ipam_world *w = *state;
	int bad = 0;
	for (int i = 0; i < IPAM_SERVERS; i++)
		bad |= ipam_end(w, i, SIGTERM); /* also: drains, no leak, exit code 0 */
	for (int server = 0; server < IPAM_SERVERS; server++) {
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

static void copy(char *dst, size_t dst_size, sot_str s)
{
	(void)snprintf(dst, dst_size, "%.*s", SOT_ARG(s));
}

static ipam_grant grant_of(const sot_address_grant *g, const sot_subnet_facts *facts)
{
	ipam_grant grant = {.owner = g->owner,
	    .address = g->address,
	    .gateway = facts->gateway,
	    .mac = g->mac,
	    .generation = g->generation,
	    .vlan_id = facts->vlan_id,
	    .vrf = facts->vrf,
	    .mtu = facts->mtu,
	    .prefix = facts->prefix,
	    .nic = g->nic,
	    .isolated = facts->isolated,
	    .dns_count = facts->dns_count};
	for (size_t i = 0; i < facts->dns_count; i++)
		grant.dns[i] = facts->dns[i];
	copy(grant.vlan, sizeof(grant.vlan), facts->vlan);
	copy(grant.dns_zone, sizeof(grant.dns_zone), facts->dns_zone);
	return grant;
}

static void on_granted(void *self, const void *from, const sot_addresses_granted *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_ADDRESSES_GRANTED;
	c->grants = m->grants_count;
	for (size_t i = 0; i < m->grants_count && i < IPAM_GRANTS_KEPT; i++)
		c->kept[i] = grant_of(&m->grants[i], &m->subnets[m->grants[i].subnet]);
	c->grant = c->kept[0];
}
static void on_done(void *self, const void *from, const sot_addresses_done *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_ADDRESSES_DONE;
	c->changed = m->changed;
	c->skipped = m->skipped;
}
static void on_accepted(void *self, const void *from, const sot_accepted *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_ACCEPTED;
	c->resource_id = m->resource_id;
	c->replayed = m->replayed;
}
static void on_fixed(void *self, const void *from, const sot_address_fixed *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_ADDRESS_FIXED;
	c->fixed = m->address;
	c->replayed = m->replayed;
}
static void on_imported(void *self, const void *from, const sot_import_done *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_IMPORT_DONE;
	c->applied = m->applied;
	c->errors = m->errors;
}
static void on_refused(void *self, const void *from, const sot_refused *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_REFUSED;
	c->refusal = m->code;
	copy(c->pointer, sizeof(c->pointer), m->pointer);
	copy(c->text, sizeof(c->text), m->text);
}

static void on_vlans(void *self, const void *from, const sot_vlans *m)
{
	(void)from;
	ipam_call *c = self;
	c->message = SOT_MSG_VLANS;
	c->version = m->version;
	c->full = m->full;
	c->vlan_count = m->vlans_count;
	copy(c->text, sizeof(c->text), m->blocked);
	for (size_t i = 0; i < m->vlans_count && i < IPAM_VLANS_KEPT; i++) {
		const sot_vlan_state *v = &m->vlans[i];
		c->vlans[i] = (ipam_vlan){.free_v4 = v->free_v4,
		    .free_v6 = v->free_v6,
		    .has_v6 = v->has_v6,
		    .is_gone = v->is_gone,
		    .scopes = v->scopes_count};
		copy(c->vlans[i].name, sizeof(c->vlans[i].name), v->name);
		copy(c->vlans[i].group, sizeof(c->vlans[i].group), v->group);
	}
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_replies replies = {.addresses_granted = on_granted,
	    .addresses_done = on_done,
	    .accepted = on_accepted,
	    .vlans = on_vlans,
	    .address_fixed = on_fixed,
	    .import_done = on_imported,
	    .refused = on_refused};
	ipam_call *c = self;
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

void ipam_send(
    ipam_world *w, int server, size_t client, uint64_t request_id, sot_buf *frame, ipam_call *c)
{
	sot_err err = {0};
	*c = (ipam_call){.w = w};
	assert_false(sot_buf_failed(frame));
	if (bus_request(w->clients[server][client], request_id, sot_buf_str(frame), REQUEST_MS,
	        on_reply, c, &err) != SOT_OK)
		fail_msg("%s", err.text);
}

sot_uuid ipam_owner(uint32_t number)
{
	sot_uuid id = {{0x01, 0x90}};
	memcpy(id.b + 12, &number, sizeof(number));
	return id;
}

sot_ip ipam_ip(const char *text)
{
	sot_ip ip = {0};
	if (text)
		assert_int_equal(sot_ip_parse(sot_str_c(text), &ip, NULL), SOT_OK);
	return ip;
}

void ipam_send_wants(
    ipam_world *w, int server, size_t client, sot_address_want *wants, size_t count, ipam_call *c)
{
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_addresses_acquire m = {.request_id = bus_next_request_id(w->bus),
	    .actor = SOT_STR("user:test"),
	    .wants = wants,
	    .wants_count = count,
	    .epoch = w->epoch,
	    .closed = w->closed,
	    .following = w->following};
	w->asked_id = m.request_id;
	assert_int_equal(sot_addresses_acquire_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, server, client, m.request_id, &frame, c);
}

void ipam_send_acquire(
    ipam_world *w, int server, size_t client, uint32_t first, uint32_t count, ipam_call *c)
{
	sot_address_want *wants = sot_alloc_array(count, sizeof(*wants));
	for (uint32_t i = 0; i < count; i++)
		wants[i] = (sot_address_want){.owner = ipam_owner(first + i), .vlan = SOT_STR("lab")};
	ipam_send_wants(w, server, client, wants, count, c);
	free(wants);
}

ipam_call ipam_acquire(ipam_world *w, uint32_t first, uint32_t count)
{
	ipam_call c;
	ipam_send_acquire(w, 0, 0, first, count, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

ipam_call ipam_acquire_wants(ipam_world *w, sot_address_want *wants, size_t count)
{
	ipam_call c;
	ipam_send_wants(w, 0, 0, wants, count, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

static sot_address_ref ref_of(uint32_t owner, const ipam_grant *grant)
{
	return (sot_address_ref){.owner = ipam_owner(owner),
	    .nic = grant->nic,
	    .address = grant->address,
	    .generation = grant->generation};
}

ipam_call ipam_release(ipam_world *w, uint32_t owner, const ipam_grant *grant)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_ref ref = ref_of(owner, grant);
	sot_addresses_release m = {.request_id = bus_next_request_id(w->bus),
	    .actor = SOT_STR("user:test"),
	    .refs = &ref,
	    .refs_count = 1,
	    .epoch = w->epoch,
	    .closed = w->closed};
	assert_int_equal(sot_addresses_release_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

ipam_call ipam_fence(ipam_world *w, int server, uint64_t epoch)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_addresses_fence m = {bus_next_request_id(w->bus), epoch};
	assert_int_equal(sot_addresses_fence_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, server, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

ipam_call ipam_bind(ipam_world *w, uint32_t owner, const ipam_grant *grant, uint32_t host)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_ref ref = ref_of(owner, grant);
	ref.host = ipam_owner(host);
	sot_addresses_bind m = {.request_id = bus_next_request_id(w->bus),
	    .actor = SOT_STR("user:test"),
	    .refs = &ref,
	    .refs_count = 1};
	assert_int_equal(sot_addresses_bind_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

/* Every request begins with its id. */
ipam_call ipam_ask(ipam_world *w, const sot_wire_struct *type, void *message)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	uint64_t request_id = bus_next_request_id(w->bus);
	memcpy(message, &request_id, sizeof(request_id));
	if (sot_wire_encode(type, message, &frame, &err) != SOT_OK)
		fail_msg("%s", err.text);
	ipam_send(w, 0, 0, request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

sot_request_context ipam_context(const char *key, const char *what)
{
	static char digests[8][33];
	static size_t next;
	char *digest = digests[next++ % 8];
	uint64_t hash = 14695981039346656037u;
	for (const char *c = what; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 1099511628211u;
	(void)snprintf(digest, 33, "%-16.16s%016llx", key, (unsigned long long)hash);
	return (sot_request_context){.actor = SOT_STR("user:test"),
	    .source_address = SOT_STR("127.0.0.1"),
	    .api_request_id = SOT_STR("r1"),
	    .idempotency_key = sot_str_c(key),
	    .request_sha256 = {digest, 32}};
}

ipam_call ipam_conflict(
    ipam_world *w, uint32_t owner, const ipam_grant *grant, uint32_t host, sot_mac mac)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_conflict conflict = {.owner = ipam_owner(owner),
	    .nic = grant->nic,
	    .address = grant->address,
	    .generation = grant->generation,
	    .host = ipam_owner(host),
	    .mac = mac};
	sot_addresses_conflict m = {.request_id = bus_next_request_id(w->bus),
	    .actor = SOT_STR("user:test"),
	    .conflicts = &conflict,
	    .conflicts_count = 1};
	assert_int_equal(sot_addresses_conflict_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

ipam_call ipam_vlans(ipam_world *w, uint64_t after)
{
	ipam_call c;
	SOT_AUTO_BUF frame;
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_vlans_read m = {.request_id = bus_next_request_id(w->bus), .after = after};
	assert_int_equal(sot_vlans_read_encode(&m, &frame, NULL), SOT_OK);
	ipam_send(w, 0, 0, m.request_id, &frame, &c);
	TURN_UNTIL(w->loop, c.done);
	return c;
}

/* ---- what is in the database ---- */

void ipam_make_lab(ipam_world *w, uint32_t count)
{
	char text[400];
	(void)ipam_sql(w, "INSERT INTO ipam.vlan (id, name, vlan_id)"
	                  " VALUES ('00000000-0000-7000-8000-000000000007', 'lab', 7)");
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO ipam.subnet (id, vlan, cidr, gateway, first, last) SELECT"
	    " '00000000-0000-7000-8000-000000000008', '00000000-0000-7000-8000-000000000007',"
	    " '10.66.0.0/16', '10.66.0.1', '10.66.0.11', '10.66.0.10'::inet + %u",
	    count);
	(void)ipam_sql(w, text);
}

void ipam_assert_consistent(ipam_world *w, int64_t rows)
{
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.address WHERE state IN ('reserved', 'bound')"),
	    rows);
	assert_int_equal(ipam_sql(w, "SELECT count(DISTINCT (owner, nic, family(address)))"
	                             " FROM ipam.address WHERE state IN ('reserved', 'bound')"),
	    rows);
	/* The history knows each, and so does an event. */
	assert_int_equal(
	    ipam_sql(w, "SELECT count(*) FROM ipam.address_event WHERE event = 'reserved'"),
	    ipam_sql(w,
	        "SELECT coalesce(sum(jsonb_array_length(data->'addresses')), 0) FROM core.outbox"
	        " WHERE kind = 'address.state' AND data->'changed'->'state'->>1 = 'reserved'"));
}
