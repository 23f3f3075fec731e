/* requests - the conversation of proto/ipam.toml: frames in, frames out. */
#include "ipam.h"
#include "sot_failpoint.h"
#include "sot_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* So long the first request of a wave waits for the others at most: the last of them ends it. */
enum { GATHER_MS = 5 };

/* ---- who waits ---- */

typedef struct client_key {
	uint8_t b[sizeof(((bus_peer *)0)->route) + sizeof(uint64_t)];
	size_t n;
} client_key;

static client_key key_of(const bus_peer *from, uint64_t request_id)
{
	client_key key = {.n = (size_t)from->route_n + sizeof(request_id)};
	memcpy(key.b, &request_id, sizeof(request_id));
	memcpy(key.b + sizeof(request_id), from->route, from->route_n);
	return key;
}

ipam_client *ipam_client_open(ipam *ip, const bus_peer *from, uint64_t request_id)
{
	client_key key = key_of(from, request_id);
	if (sot_map_get(ip->open, key.b, key.n))
		return NULL;
	ipam_client *client = sot_alloc(sizeof(*client));
	client->from = *from;
	client->request_id = request_id;
	sot_map_set(ip->open, key.b, key.n, client);
	return client;
}

ipam_client *ipam_client_close(ipam *ip, ipam_client *client)
{
	client_key key = key_of(&client->from, client->request_id);
	(void)sot_map_remove(ip->open, key.b, key.n);
	free(client);
	return NULL;
}

/* ---- answers ---- */

void ipam_send(ipam *ip, const bus_peer *to)
{
	SOT_FAILPOINT_HIT("ipam.answer.before_send");
	sot_err err = {0};
	if (bus_reply(ip->server, to, sot_buf_str(&ip->frame), &err) != SOT_OK)
		sot_log_err(SOT_DEBUG, "answer.undelivered", &err, "peer=%s", to->identity);
}

void ipam_refuse(ipam *ip, const bus_peer *to, const sot_refused *refused)
{
	sot_err err = {0};
	sot_metric_add(ip->m_refused, 1);
	sot_buf_reset(&ip->frame);
	if (sot_refused_encode(refused, &ip->frame, &err) == SOT_OK)
		ipam_send(ip, to);
	else
		sot_log_err(SOT_ERROR, "answer.unencodable", &err, "peer=%s", to->identity);
}

sot_mac ipam_mac_of(sot_ip address)
{
	uint32_t v4 = address.family == 4 ? sot_ip_v4(address) : 0;
	if (address.family != 4)
		return (sot_mac){{0}};
	return (sot_mac){
	    {0x02, 0x0a, (uint8_t)(v4 >> 24), (uint8_t)(v4 >> 16), (uint8_t)(v4 >> 8), (uint8_t)v4}};
}

/* The subnets of a message, each once. */
typedef struct facts_list {
	sot_subnet_facts *facts;
	const subnet **of;
	size_t count;
} facts_list;

static sot_subnet_facts facts_of(subnet *s)
{
	const plan_vlan *v = s->vlan;
	return (sot_subnet_facts){.vlan = sot_str_c(v->name),
	    .vlan_id = v->vlan_id,
	    .vrf = v->vrf,
	    .prefix = s->plan.prefix,
	    .gateway = s->plan.gateway,
	    .mtu = v->mtu,
	    .isolated = v->isolated,
	    .dns = s->dns,
	    .dns_count = s->dns_count,
	    .dns_zone = sot_str_c(v->dns_zone),
	    .settings = allocator_settings(v)};
}

static uint16_t facts_index(facts_list *list, subnet *s)
{
	for (size_t i = list->count; i > 0; i--) {
		if (list->of[i - 1] == s)
			return (uint16_t)(i - 1);
	}
	list->of[list->count] = s;
	list->facts[list->count] = facts_of(s);
	return (uint16_t)list->count++;
}

static sot_code fill_grants(const address_plan *in, const request *r, facts_list *list,
    sot_addresses_granted *m, sot_err *err)
{
	for (size_t i = 0; i < r->count; i++) {
		const request_item *item = &r->items[i];
		if (!item->done)
			continue; /* an IPv6 address that the VLAN has not got */
		subnet *s = plan_find_subnet(in, item->subnet_id);
		if (!s)
			return sot_fail(err, SOT_UNAVAILABLE, "its subnet was changed meanwhile; try again");
		m->grants[m->grants_count++] = (sot_address_grant){.owner = item->owner,
		    .nic = item->nic,
		    .address = item->address,
		    .subnet = facts_index(list, s),
		    .mac = ipam_mac_of(item->address),
		    .generation = item->generation};
	}
	m->subnets = list->facts;
	m->subnets_count = list->count;
	return SOT_OK;
}

static sot_code encode_granted(ipam *ip, const request *r, uint64_t request_id, sot_err *err)
{
	size_t room = r->count ? r->count : 1;
	sot_addresses_granted granted = {.request_id = request_id};
	facts_list list = {
	    sot_alloc_array(room, sizeof(*list.facts)), sot_alloc_array(room, sizeof(*list.of)), 0};
	granted.grants = sot_alloc_array(room, sizeof(*granted.grants));
	sot_code code = fill_grants(allocator_plan(ip->allocator), r, &list, &granted, err);
	if (code == SOT_OK)
		code = sot_addresses_granted_encode(&granted, &ip->frame, err);
	free(granted.grants);
	free(list.facts);
	free(list.of);
	return code;
}

static sot_code encode_done(ipam *ip, const request *r, uint64_t request_id, sot_err *err)
{
	sot_addresses_done done = {.request_id = request_id};
	for (size_t i = 0; i < r->count; i++) {
		done.changed += r->items[i].done;
		done.skipped += !r->items[i].done;
	}
	return sot_addresses_done_encode(&done, &ip->frame, err);
}

static void send_answer(ipam *ip, const request *r, const ipam_client *client)
{
	if (r->is_refused) {
		sot_refused refused = {
		    .request_id = client->request_id, .code = r->code, .text = sot_str_c(r->text)};
		ipam_refuse(ip, &client->from, &refused);
		return;
	}
	sot_err err = {0};
	sot_buf_reset(&ip->frame);
	sot_code code = r->kind == REQUEST_ACQUIRE ? encode_granted(ip, r, client->request_id, &err)
	                                           : encode_done(ip, r, client->request_id, &err);
	if (code == SOT_OK) {
		ipam_send(ip, &client->from);
		return;
	}
	sot_log_err(SOT_ERROR, "answer.unencodable", &err, "peer=%s", client->from.identity);
	sot_refused refused = {.request_id = client->request_id,
	    .code = code == SOT_UNAVAILABLE ? SOT_REFUSAL_UNAVAILABLE : SOT_REFUSAL_INTERNAL,
	    .text = sot_str_c(err.text)};
	ipam_refuse(ip, &client->from, &refused);
}

void ipam_send_answers(ipam *ip)
{
	for (request *r = allocator_take_answer(ip->allocator); r;
	     r = allocator_take_answer(ip->allocator)) {
		send_answer(ip, r, r->cookie);
		ipam_client_close(ip, r->cookie);
		request_free(r);
	}
}

/* ---- requests ---- */

const char *ipam_why_not_now(const ipam *ip)
{
	if (ip->service && service_is_draining(ip->service))
		return "ipam is stopping; try again";
	/* Before the first connection there is no error yet: who asks then waits for it. */
	if (!store_is_up(ip->store) && ip->database_error[0] != '\0')
		return ip->database_error;
	return NULL;
}

void ipam_block(ipam *ip, const char *why)
{
	(void)snprintf(ip->blocked, sizeof(ip->blocked), "%s", why ? why : "");
	if (!why)
		return;
	allocator_refuse_queued(ip->allocator, SOT_REFUSAL_UNAVAILABLE, ip->blocked);
	ipam_fence_refuse(ip, ip->blocked);
	ipam_send_answers(ip);
}

/* Right after a start: who asks may wait for the first connection. */
static bool is_connecting(const ipam *ip)
{
	return !ip->has_been_up && ip->database_error[0] == '\0' && !service_is_draining(ip->service);
}

static void submit(
    ipam *ip, const bus_peer *from, uint64_t request_id, request *r, sot_str actor, sot_uuid op)
{
	const char *why = is_connecting(ip) ? NULL : ipam_why_not_now(ip);
	if (!why && r->kind != REQUEST_BIND && ip->blocked[0] != '\0')
		why = ip->blocked;
	if (why) {
		request_free(r);
		sot_refused refused = {
		    .request_id = request_id, .code = SOT_REFUSAL_UNAVAILABLE, .text = sot_str_c(why)};
		ipam_refuse(ip, from, &refused);
		return;
	}
	r->cookie = ipam_client_open(ip, from, request_id);
	if (!r->cookie) {
		request_free(r); /* a repeat of what is being worked on */
		return;
	}
	(void)snprintf(r->actor, sizeof(r->actor), "%.*s", SOT_ARG(actor));
	r->operation_id = op;
	allocator_submit(ip->allocator, &r);
	ipam_pump_soon(ip);
}

/* ---- who asks ---- */

/* The network and the queues of a dead connection can hold a request back for long: its asker has
 * closed it, or leads no more, and nobody would give back what it gets. */
static bool is_late(const ipam *ip, uint64_t request_id, uint64_t epoch)
{
	return epoch != 0 && (epoch < ip->asker.epoch ||
	                         (epoch == ip->asker.epoch && request_id <= ip->asker.closed));
}

static void note_closed(ipam *ip, uint64_t epoch, uint64_t closed)
{
	if (epoch < ip->asker.epoch || (epoch == ip->asker.epoch && closed <= ip->asker.closed))
		return;
	ip->asker.epoch = epoch;
	ip->asker.closed = closed;
}

static void refuse_late(ipam *ip, const bus_peer *from, uint64_t request_id)
{
	sot_refused refused = {.request_id = request_id,
	    .code = SOT_REFUSAL_UNAVAILABLE,
	    .text = SOT_STR("this request came late: its asker has closed it, or leads no more")};
	sot_metric_add(ip->m_late, 1);
	ipam_refuse(ip, from, &refused);
}

static void wait_for_more(ipam *ip)
{
	if (!ip->gathers)
		ip->gather_until = sot_mono_add_ms(reactor_now(ip->loop), GATHER_MS);
	ip->gathers = true;
	int64_t left_ms = sot_mono_diff_ms(ip->gather_until, reactor_now(ip->loop));
	reactor_rearm_ms(ip->pump_timer, left_ms > 0 ? left_ms : 0);
}

static void on_acquire(void *self, const void *from, const sot_addresses_acquire *m)
{
	ipam *ip = self;
	if (is_late(ip, m->request_id, m->epoch)) {
		refuse_late(ip, from, m->request_id);
		return;
	}
	note_closed(ip, m->epoch, m->closed);
	request *r = request_new_wants(m->wants_count);
	r->epoch = m->epoch;
	for (size_t i = 0; i < m->wants_count; i++)
		request_want(r, &m->wants[i]);
	submit(self, from, m->request_id, r, m->actor, m->operation_id);
	if (m->following > 0)
		wait_for_more(ip);
}

static request *request_of_refs(request_kind kind, const sot_address_ref *refs, size_t count)
{
	request *r = request_new(kind, count);
	for (size_t i = 0; i < count; i++) {
		r->items[i].owner = refs[i].owner;
		r->items[i].nic = refs[i].nic;
		r->items[i].is_v6 = refs[i].address.family == 6;
		r->items[i].address = refs[i].address;
		r->items[i].generation = refs[i].generation;
		r->items[i].host = refs[i].host;
	}
	return r;
}

static void on_release(void *self, const void *from, const sot_addresses_release *m)
{
	note_closed(self, m->epoch, m->closed);
	submit(self, from, m->request_id, request_of_refs(REQUEST_RELEASE, m->refs, m->refs_count),
	    m->actor, m->operation_id);
}

static void on_bind(void *self, const void *from, const sot_addresses_bind *m)
{
	submit(self, from, m->request_id, request_of_refs(REQUEST_BIND, m->refs, m->refs_count),
	    m->actor, m->operation_id);
}

static void on_conflict(void *self, const void *from, const sot_addresses_conflict *m)
{
	request *r = request_new(REQUEST_CONFLICT, m->conflicts_count);
	for (size_t i = 0; i < m->conflicts_count; i++) {
		const sot_address_conflict *c = &m->conflicts[i];
		r->items[i] = (request_item){.owner = c->owner,
		    .nic = c->nic,
		    .is_v6 = c->address.family == 6,
		    .address = c->address,
		    .generation = c->generation,
		    .host = c->host,
		    .mac = c->mac};
	}
	submit(self, from, m->request_id, r, m->actor, m->operation_id);
}

static void on_ping(void *self, const void *from, const sot_ping *m)
{
	ipam *ip = self;
	sot_pong pong = {.request_id = m->request_id};
	sot_buf_reset(&ip->frame);
	if (sot_pong_encode(&pong, &ip->frame, NULL) == SOT_OK)
		ipam_send(ip, from);
}

static bool may_ask(const bus_peer *from)
{
	return strcmp(from->identity, "svc:scheduler") == 0 ||
	       strcmp(from->identity, "svc:api-gateway") == 0;
}

void ipam_on_frame(void *self, const bus_peer *from, sot_str frame)
{
	static const sot_ipam_handlers handlers = {
	    .addresses_acquire = on_acquire,
	    .addresses_release = on_release,
	    .addresses_bind = on_bind,
	    .addresses_conflict = on_conflict,
	    .addresses_fence = ipam_on_fence,
	    .vlans_read = ipam_on_vlans_read,
	    .vlan_create = ipam_on_vlan_create,
	    .vlan_update = ipam_on_vlan_update,
	    .vlan_delete = ipam_on_vlan_delete,
	    .subnet_create = ipam_on_subnet_create,
	    .subnet_update = ipam_on_subnet_update,
	    .subnet_delete = ipam_on_subnet_delete,
	    .range_create = ipam_on_range_create,
	    .range_delete = ipam_on_range_delete,
	    .address_fix = ipam_on_address_fix,
	    .address_free = ipam_on_address_free,
	    .quarantine_end = ipam_on_quarantine_end,
	    .brake_release = ipam_on_brake_release,
	    .import_run = ipam_on_import_run,
	    .ping = on_ping,
	};
	ipam *ip = self;
	sot_err err = {0};
	sot_wire_head head = {0};
	sot_metric_add(ip->m_requests, 1);
	sot_code code = sot_wire_peek(frame, &head, &err);
	sot_refused refused = {.request_id = head.request_id, .code = SOT_REFUSAL_DENIED};
	if (code == SOT_OK && !may_ask(from)) {
		sot_log(SOT_WARN, "peer.denied", "peer=%s message=%u", from->identity, head.id);
		refused.text = SOT_STR("only the scheduler and the gateways may ask ipam");
		ipam_refuse(ip, from, &refused);
		return;
	}
	sot_arena_reset(ip->arena);
	if (code == SOT_OK)
		code = sot_ipam_dispatch(&handlers, ip, from, frame, ip->arena, &err);
	if (code == SOT_OK)
		return;
	sot_log_err(SOT_WARN, "frame.refused", &err, "peer=%s", from->identity);
	refused.code = SOT_REFUSAL_INVALID;
	refused.text = sot_str_c(err.text);
	ipam_refuse(ip, from, &refused);
}
