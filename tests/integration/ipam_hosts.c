#include "ipam_hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { REPORT_MS = 60000, FIRST_HOST = 1000000 };

int64_t ipam_sqlf(ipam_world *w, const char *fmt, ...)
{
	char sql[1000];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(sql, sizeof(sql), fmt, args);
	va_end(args);
	assert_in_range(n, 1, sizeof(sql) - 1);
	return ipam_sql(w, sql);
}

static void register_host(ipam_rig *rig, uint32_t index)
{
	ipam_host *h = &rig->hosts[index];
	bus_keypair keys;
	char id[SOT_UUID_TEXT];
	sot_err err = {0};
	h->w = rig->w;
	h->id = ipam_owner(FIRST_HOST + index);
	(void)snprintf(h->name, sizeof(h->name), "h%u", index + 1);
	assert_int_equal(bus_keypair_make(&keys, &err), SOT_OK);
	assert_int_equal(bus_new(rig->w->loop, &keys, &h->bus, &err), SOT_OK);
	(void)ipam_sqlf(rig->w,
	    "INSERT INTO scheduler.host (id, name, az, rack, public_key, state, generation, created_at)"
	    " VALUES ('%s', '%s', 'az1', 'r%u', $k$%s$k$, 'online', 0, now())",
	    sot_uuid_format(h->id, id), h->name, index, keys.public_key);
}

int ipam_rig_setup(void **state)
{
	/* Reports count as soon as they are newer than the row; this machine has one clock. */
	(void)setenv("SOT_IPAM_REPORT_MARGIN_MS", "0", 1);
	(void)setenv("SOT_IPAM_KEYS_INTERVAL_MS", "100", 1);
	if (ipam_world_setup(state) != 0)
		return -1;
	ipam_rig *rig = sot_alloc(sizeof(*rig));
	rig->w = *state;
	*state = rig;
	(void)ipam_sql(rig->w, "SET session_replication_role = replica"); /* rows without their app */
	(void)ipam_sql(rig->w, "DELETE FROM scheduler.instance");
	(void)ipam_sql(rig->w, "DELETE FROM scheduler.host");
	(void)ipam_sql(rig->w, "DELETE FROM ipam.host_report");
	(void)ipam_sql(rig->w,
	    "UPDATE ipam.guard SET brake_since = NULL, brake_candidates = 0, quarantine_since = NULL,"
	    " stream = (SELECT stream FROM core.platform)");
	for (uint32_t i = 0; i < HOSTS; i++)
		register_host(rig, i);
	return 0;
}

int ipam_rig_teardown(void **state)
{
	ipam_rig *rig = *state;
	for (size_t i = 0; i < HOSTS; i++) {
		bus_client_free(rig->hosts[i].client);
		bus_free(rig->hosts[i].bus);
	}
	*state = rig->w;
	free(rig);
	(void)unsetenv("SOT_IPAM_REPORT_MARGIN_MS");
	(void)unsetenv("SOT_IPAM_KEYS_INTERVAL_MS");
	return ipam_world_teardown(state);
}

void ipam_rig_start(ipam_rig *rig, const char *option)
{
	char endpoint[120];
	sot_err err = {0};
	ipam_start(rig->w, 0, "", option);
	(void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/a0", rig->w->dir);
	for (size_t i = 0; i < HOSTS; i++) {
		ipam_host *h = &rig->hosts[i];
		if (!h->client && bus_connect(h->bus, "ipam", endpoint, rig->w->server_key, NULL, NULL, h,
		                      &h->client, &err) != SOT_OK)
			fail_msg("%s", err.text);
	}
}

void ipam_row(ipam_rig *rig, const char *state, uint32_t n, const ipam_host *host)
{
	char owner[SOT_UUID_TEXT], id[SOT_UUID_TEXT];
	bool has_owner = strcmp(state, "cooling") != 0;
	(void)ipam_sqlf(rig->w,
	    "INSERT INTO ipam.address (address, subnet, state, owner, host, free_after, updated_at)"
	    " SELECT '10.66.0.%u', id, '%s', %s%s%s, %s%s%s, %s, now() - interval '1 hour'"
	    " FROM ipam.subnet",
	    n, state, has_owner ? "'" : "", has_owner ? sot_uuid_format(ipam_owner(n), owner) : "NULL",
	    has_owner ? "'" : "", host ? "'" : "", host ? sot_uuid_format(host->id, id) : "NULL",
	    host ? "'" : "", has_owner ? "NULL" : "now()");
}

void ipam_instance(ipam_rig *rig, uint32_t n, const ipam_host *host)
{
	char owner[SOT_UUID_TEXT], id[SOT_UUID_TEXT];
	(void)ipam_sqlf(rig->w,
	    "INSERT INTO scheduler.instance (id, app_id, group_id, number, name, state, health, "
	    "desired,"
	    " host_id, cpu_milli, memory_bytes, disk_bytes, image, created_at, updated_at)"
	    " VALUES ('%s', gen_random_uuid(), gen_random_uuid(), %u, 'i%u', 'running', 'healthy',"
	    " 'running', '%s', 1, 1, 1, 'image', now(), now())",
	    sot_uuid_format(ipam_owner(n), owner), n, n, sot_uuid_format(host->id, id));
}

void ipam_uses_for(ipam_host *h, uint32_t n, uint32_t owner)
{
	assert_in_range(h->used_count, 0, HOST_USED_MAX - 1);
	h->used[h->used_count++] = (sot_used_address){.address = sot_ip_add(ipam_ip("10.66.0.0"), n),
	    .mac = {{0x02, 0x0a, 10, 66, 0, (uint8_t)n}},
	    .instance_id = ipam_owner(owner),
	    .generation = 1,
	    .is_running = true};
}

void ipam_uses(ipam_host *h, uint32_t n)
{
	ipam_uses_for(h, n, n);
}

static void on_ack(void *self, const void *from, const sot_address_report_ack *m)
{
	ipam_host *h = self;
	(void)from;
	assert_in_range(m->probes_count, 0, HOST_USED_MAX);
	h->reply.next_report_ms = m->next_report_ms;
	h->reply.probes_count = m->probes_count;
	for (size_t i = 0; i < m->probes_count; i++)
		h->reply.probes[i] = m->probes[i];
}

static void on_refused(void *self, const void *from, const sot_refused *m)
{
	ipam_host *h = self;
	(void)from;
	h->reply.is_refused = true;
	(void)snprintf(h->reply.text, sizeof(h->reply.text), "%.*s", SOT_ARG(m->text));
}

static void on_reply(void *self, sot_code code, sot_str frame, const sot_err *why)
{
	static const sot_ipam_agent_replies replies = {
	    .address_report_ack = on_ack, .refused = on_refused};
	ipam_host *h = self;
	sot_err err = {0};
	if (code != SOT_OK)
		fail_msg("%s: %s", h->name, why->text);
	sot_arena_reset(h->w->arena);
	if (sot_ipam_agent_dispatch_reply(&replies, h, NULL, frame, h->w->arena, &err) != SOT_OK)
		fail_msg("%s", err.text);
	h->reply.done++;
}

void ipam_send_part(ipam_host *h, uint16_t part, uint16_t parts)
{
	SOT_AUTO_BUF frame;
	sot_err err = {0};
	sot_buf_init(&frame, SOT_WIRE_FRAME_MAX);
	sot_address_report m = {.request_id = bus_next_request_id(h->bus),
	    .boot_id = SOT_STR("boot"),
	    .report = h->number,
	    .part = part,
	    .parts = parts,
	    .taken_unix_ms = sot_wall_now().unix_ms,
	    .assignment_generation = h->generation,
	    .epoch = h->epoch,
	    .used = h->used,
	    .used_count = h->used_count,
	    .strangers = h->strangers,
	    .strangers_count = h->strangers_count,
	    .probes = h->probes,
	    .probes_count = h->probes_count};
	h->reply = (ipam_reply){.done = 0};
	assert_int_equal(sot_address_report_encode(&m, &frame, &err), SOT_OK);
	if (bus_request(h->client, m.request_id, sot_buf_str(&frame), REPORT_MS, on_reply, h, &err) !=
	    SOT_OK)
		fail_msg("%s", err.text);
}

const ipam_reply *ipam_report(ipam_host *h)
{
	h->number++;
	ipam_send_part(h, 0, 1);
	TURN_UNTIL(h->w->loop, h->reply.done);
	h->probes_count = 0;
	return &h->reply;
}

int64_t ipam_told(ipam_rig *rig, const char *kind, uint32_t n)
{
	return ipam_sqlf(rig->w,
	    "SELECT count(*) FROM core.outbox WHERE kind = '%s' AND data->>'address' = '10.66.0.%u'",
	    kind, n);
}
