/* networks - network_create: idempotent by (actor, key), guarded by the constraints of the schema.
 *
 *   FIND --key unknown--> WRITE --committed--> accepted
 *    | known: accepted (replayed) or key_reused
 *    ^------- WRITE's key exists meanwhile, or its outcome is unknown
 */
#include "ipam.h"
#include "network_plan.h"
#include "sot_log.h"
#include "sot_parse.h"
#include "sot_rand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 5 };

typedef struct creation {
	ipam *ip;
	ipam_client *client;
	network_plan plan;
	char name[PLAN_NAME_MAX], actor[129], key[129], source[65], api_request_id[65], cidr[20];
	uint16_t vlan_id;
	uint8_t request_sha256[32];
	sot_uuid id;
	unsigned tries;
	bool is_found, is_same;
} creation;

static void find(creation *c);

static void finish(creation *c)
{
	ipam *ip = c->ip;
	ip->networks_open--;
	ipam_client_close(ip, c->client);
	free(c);
	ipam_pump_soon(ip);
}

static void refuse(creation *c, sot_refusal code, const char *pointer, const char *text)
{
	sot_refused refused = {.request_id = c->client->request_id,
	    .code = code,
	    .pointer = sot_str_c(pointer),
	    .text = sot_str_c(text)};
	ipam_refuse(c->ip, &c->client->from, &refused);
	finish(c);
}

static void accept_it(creation *c, bool replayed)
{
	ipam *ip = c->ip;
	sot_accepted accepted = {
	    .request_id = c->client->request_id, .resource_id = c->id, .replayed = replayed};
	sot_buf_reset(&ip->frame);
	if (sot_accepted_encode(&accepted, &ip->frame, NULL) == SOT_OK)
		ipam_send(ip, &c->client->from);
	finish(c);
}

static void refuse_overlap(creation *c)
{
	char text[300], cidr[SUBNET_PLAN_TEXT];
	subnet *other = NULL;
	const address_plan *now = allocator_plan(c->ip->allocator);
	for (size_t i = 0; now && !other && i < plan_subnet_count(now); i++) {
		subnet *s = plan_subnet_at(now, i);
		if (s->vlan->vrf == 0 && s->plan.network.family == 4 &&
		    (sot_ip_in(s->plan.network, sot_ip_from_v4(c->plan.network), c->plan.prefix) ||
		        sot_ip_in(sot_ip_from_v4(c->plan.network), s->plan.network, s->plan.prefix)))
			other = s;
	}
	if (other)
		(void)snprintf(text, sizeof(text), "%s overlaps with %s of network %s", c->cidr,
		    subnet_plan_format(&other->plan, cidr), other->vlan->name);
	else
		(void)snprintf(text, sizeof(text), "%s overlaps with a subnet that exists", c->cidr);
	refuse(c, SOT_REFUSAL_CONFLICT, "/cidr", text);
}

static void refuse_conflict(creation *c, const store_outcome *outcome)
{
	char text[128];
	if (strcmp(outcome->constraint, "subnet_no_overlap") == 0) {
		refuse_overlap(c);
	} else if (strcmp(outcome->constraint, "vlan_name_key") == 0) {
		(void)snprintf(text, sizeof(text), "a network with the name %s exists", c->name);
		refuse(c, SOT_REFUSAL_CONFLICT, "/name", text);
	} else {
		refuse(c, SOT_REFUSAL_CONFLICT, "", outcome->why->text);
	}
}

static void on_written(void *self, const store_outcome *outcome)
{
	creation *c = self;
	bool key_exists = strcmp(outcome->constraint, "operation_ref_pkey") == 0;
	if (outcome->code == SOT_OK) {
		sot_log(SOT_INFO, "network.created", "network=%s cidr=%s actor=\"%s\"", c->name, c->cidr,
		    c->actor);
		allocator_plan_changed(c->ip->allocator); /* so that the next batch knows it */
		ipam_hint(c->ip);
		accept_it(c, false);
	} else if ((outcome->code == SOT_UNKNOWN || key_exists) && c->tries < TRIES_MAX) {
		find(c);
	} else if (outcome->code == SOT_CONFLICT) {
		refuse_conflict(c, outcome);
	} else {
		sot_log_err(SOT_WARN, "network.failed", outcome->why, "network=%s", c->name);
		bool is_invalid = outcome->code == SOT_INVALID;
		refuse(
		    c, is_invalid ? SOT_REFUSAL_INVALID : SOT_REFUSAL_UNAVAILABLE, "", outcome->why->text);
	}
}

static void add_rows(creation *c, store_tx *tx)
{
	store_query(tx, IPAM_SQL_OPERATION_REF_ADD, NULL, NULL);
	store_arg_c(tx, c->actor);
	store_arg_c(tx, c->key);
	store_arg_bytes(tx, (sot_str){(const char *)c->request_sha256, sizeof(c->request_sha256)});
	store_arg_uuid(tx, c->id);
	store_query(tx, IPAM_SQL_VLAN_ADD, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_c(tx, c->name);
	store_arg_i64(tx, c->vlan_id);
	store_query(tx, IPAM_SQL_SUBNET_ADD, NULL, NULL);
	store_arg_uuid(tx, c->id);
	store_arg_uuid(tx, c->id);
	store_arg_c(tx, c->cidr);
	if (c->plan.gateway)
		store_arg_ipv4(tx, c->plan.gateway);
	else
		store_arg_null(tx);
	store_arg_ipv4(tx, c->plan.first);
	store_arg_ipv4(tx, c->plan.last);
}

static void add_traces(creation *c, store_tx *tx)
{
	store_query(tx, IPAM_SQL_NETWORK_TOLD, NULL, NULL);
	store_arg_c(tx, c->name);
	store_arg_c(tx, c->actor);
	store_arg_i64(tx, c->vlan_id);
	store_arg_c(tx, c->cidr);
	store_query(tx, IPAM_SQL_NETWORK_AUDITED, NULL, NULL);
	store_arg_c(tx, c->actor);
	store_arg_c(tx, c->source);
	store_arg_c(tx, c->api_request_id);
	store_arg_c(tx, c->name);
	store_arg_c(tx, c->cidr);
}

static void commit(creation *c, store_tx *tx, store_done_fn done)
{
	sot_err err = {0};
	if (store_commit(&tx, done, c, &err) != SOT_OK)
		refuse(c, SOT_REFUSAL_UNAVAILABLE, "", err.text);
}

static void on_row(void *self, const store_result *res)
{
	creation *c = self;
	c->is_found = store_rows(res) == 1 && store_bool(res, 0, 0, &c->is_same, NULL) == SOT_OK;
	if (c->is_found && c->is_same && store_uuid(res, 0, 1, &c->id, NULL) != SOT_OK)
		c->is_same = false;
}

static void on_found(void *self, const store_outcome *outcome)
{
	creation *c = self;
	if (outcome->code != SOT_OK) {
		refuse(c, SOT_REFUSAL_UNAVAILABLE, "", outcome->why->text);
	} else if (c->is_found && !c->is_same) {
		refuse(c, SOT_REFUSAL_KEY_REUSED, "",
		    "this idempotency key was used before for another request");
	} else if (c->is_found) {
		accept_it(c, true);
	} else {
		store_tx *tx = store_begin(c->ip->store);
		add_rows(c, tx);
		add_traces(c, tx);
		commit(c, tx, on_written);
	}
}

static void find(creation *c)
{
	c->tries++;
	c->is_found = c->is_same = false;
	store_tx *tx = store_begin_read(c->ip->store);
	store_query(tx, IPAM_SQL_OPERATION_REF_FIND, on_row, c);
	store_arg_c(tx, c->actor);
	store_arg_c(tx, c->key);
	store_arg_bytes(tx, (sot_str){(const char *)c->request_sha256, sizeof(c->request_sha256)});
	commit(c, tx, on_found);
}

static void copy(char *dst, size_t dst_size, sot_str s)
{
	(void)snprintf(dst, dst_size, "%.*s", SOT_ARG(s));
}

static void fill(creation *c, const sot_network_create *m)
{
	char base[16];
	copy(c->name, sizeof(c->name), m->name);
	copy(c->actor, sizeof(c->actor), m->context.actor);
	copy(c->key, sizeof(c->key), m->context.idempotency_key);
	copy(c->source, sizeof(c->source), m->context.source_address);
	copy(c->api_request_id, sizeof(c->api_request_id), m->context.api_request_id);
	memcpy(c->request_sha256, m->context.request_sha256.p, sizeof(c->request_sha256));
	c->vlan_id = m->vlan_id;
	(void)snprintf(
	    c->cidr, sizeof(c->cidr), "%s/%u", sot_format_ipv4(sot_ip_v4(m->network), base), m->prefix);
	uint8_t entropy[16];
	sot_rand_bytes(entropy, sizeof(entropy));
	c->id = sot_uuid_v7(reactor_wall(c->ip->loop), entropy);
}

void ipam_network_create(ipam *ip, const bus_peer *from, const sot_network_create *m)
{
	network_plan plan = {.network = sot_ip_v4(m->network),
	    .prefix = m->prefix,
	    .gateway = sot_ip_v4(m->gateway),
	    .first = sot_ip_v4(m->first),
	    .last = sot_ip_v4(m->last)};
	const char *pointer = "";
	sot_err err = {0};
	if (network_plan_check(&plan, &pointer, &err) != SOT_OK) {
		sot_refused refused = {.request_id = m->request_id,
		    .code = SOT_REFUSAL_INVALID,
		    .pointer = sot_str_c(pointer),
		    .text = sot_str_c(err.text)};
		ipam_refuse(ip, from, &refused);
		return;
	}
	ipam_client *client = ipam_client_open(ip, from, m->request_id);
	if (!client)
		return;
	creation *c = sot_alloc(sizeof(*c));
	c->ip = ip;
	c->client = client;
	c->plan = plan;
	fill(c, m);
	ip->networks_open++;
	find(c);
}
