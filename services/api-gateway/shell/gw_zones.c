/* DNS: GET /v1/dns/zones lists them, GET /v1/dns/zones/{zone} is one as a master file (RFC 1035 5)
 * that BIND, knot and others load as it is. The serial grows when the content has changed. */
#include "gateway.h"

#include "gw_sql.h"
#include "gw_text.h"
#include "gw_zone.h"

#include <stdlib.h>
#include <string.h>

#define ZONE_BYTES_MAX ((size_t)30 * 1024 * 1024)

/* ---- the list ---- */
typedef struct zone_listing {
	size_t count;
	char last[GW_ZONE_NAME], last_vrf[64]; /* two /25 share a zone; they come one after the other */
} zone_listing;

static void add_reverse_zones(gw_call *c, zone_listing *z, sot_str cidr, sot_str vrf)
{
	char name[GW_ZONE_NAME];
	sot_ip network;
	uint8_t prefix = 0;
	if (sot_ip_parse_cidr(cidr, &network, &prefix, NULL) != SOT_OK)
		return;
	for (size_t i = 0; i < gw_zone_count(network, prefix); i++) {
		gw_zone_name(network, prefix, i, name);
		if (strcmp(name, z->last) == 0 && sot_str_eq_c(vrf, z->last_vrf))
			continue;
		gw_copy_cut(sot_str_c(name), z->last, sizeof(z->last));
		gw_copy_cut(vrf, z->last_vrf, sizeof(z->last_vrf));
		sot_buf_printf(&c->rows,
		    "%s{\"zone\":\"%s\",\"kind\":\"reverse\",\"vrf\":\"%.*s\",\"vlans\":[]}",
		    z->count++ > 0 ? "," : "", name, SOT_ARG(vrf));
	}
}

static void on_sources(void *self, const store_result *res)
{
	gw_call *c = self;
	zone_listing *z = c->state;
	sot_buf_add_c(&c->rows, "{\"items\":[");
	for (size_t i = 0; i < store_rows(res); i++) {
		sot_str zone = store_text(res, i, 0), vrf = store_text(res, i, 1);
		if (zone.n == 0) {
			add_reverse_zones(c, z, store_text(res, i, 3), vrf);
			continue;
		}
		sot_buf_add_c(&c->rows, z->count++ > 0 ? ",{\"zone\":" : "{\"zone\":");
		sot_buf_add_json(&c->rows, zone);
		sot_buf_printf(&c->rows, ",\"kind\":\"forward\",\"vrf\":\"%.*s\",\"vlans\":%.*s}",
		    SOT_ARG(vrf), SOT_ARG(store_text(res, i, 2)));
	}
	sot_buf_printf(&c->rows, "],\"next\":null,\"total\":%zu,\"cursor\":null}\n", z->count);
}

static void on_sources_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (sot_buf_failed(&c->rows))
		call_problem(c, 500, "limit", "the list of zones is larger than 32 MiB; ask with ?vrf=");
	else
		call_json(c, 200, sot_buf_str(&c->rows));
}

void serve_zone_list(gw_call *c)
{
	char vrf[64];
	store_tx *tx;
	sot_err err = {0};
	if (call_query(c, "vrf", vrf, sizeof(vrf)) != SOT_OK)
		return;
	c->state = sot_alloc(sizeof(zone_listing));
	c->state_free = free;
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_ZONE_SOURCES, on_sources, c);
	store_arg_c(tx, vrf);
	if (store_commit(&tx, on_sources_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

/* ---- one zone ---- */
typedef struct zone_call {
	char name[256], vrf[64];
	char network[64]; /* of a reverse zone; "" for a forward one */
	bool exists;
	sot_err err;
	int64_t serial;
	sot_buf records; /* everything but the SOA */
} zone_call;

static void zone_call_free(void *state)
{
	zone_call *z = state;
	sot_buf_clear(&z->records);
	free(z);
}

static void on_exists(void *self, const store_result *res)
{
	zone_call *z = ((gw_call *)self)->state;
	if (store_rows(res) != 1 || store_bool(res, 0, 0, &z->exists, &z->err) != SOT_OK)
		z->exists = false;
}

static void on_records(void *self, const store_result *res)
{
	zone_call *z = ((gw_call *)self)->state;
	char text[GW_ZONE_NAME];
	for (size_t i = 0; i < store_rows(res); i++) {
		sot_str name = store_text(res, i, 0);
		sot_ip address;
		if (store_ip(res, i, 1, &address, &z->err) != SOT_OK)
			return;
		if (z->network[0] != '\0') {
			gw_zone_pointer(address, text);
			sot_buf_printf(&z->records, "%s. PTR %.*s\n", text, SOT_ARG(name));
		} else {
			sot_buf_printf(&z->records, "%.*s %s %s\n", SOT_ARG(name),
			    address.family == 4 ? "A" : "AAAA", sot_ip_format(address, text));
		}
	}
}

static void on_serial(void *self, const store_result *res)
{
	zone_call *z = ((gw_call *)self)->state;
	if (store_rows(res) != 1 || store_i64(res, 0, 0, &z->serial, &z->err) != SOT_OK)
		z->serial = 0;
}

static void on_serial_known(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const zone_call *z = c->state;
	const gateway_config *config = c->g->config;
	gw_reply *reply;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	sot_buf_printf(&c->rows,
	    "$ORIGIN %s.\n$TTL %lld\n@ SOA %s. hostmaster.%s. ( %lld 300 60 604800 %lld )\n@ NS %s.\n",
	    z->name, (long long)config->dns_ttl_s, config->dns_name_server,
	    z->network[0] != '\0' ? config->dns_name_server : z->name, (long long)z->serial,
	    (long long)config->dns_ttl_s, config->dns_name_server);
	sot_buf_add_str(&c->rows, sot_buf_str(&z->records));
	reply = gw_reply_bytes(200, "text/dns", sot_buf_str(&c->rows));
	gw_reply_header(reply, "Cache-Control", "no-store");
	sot_metric_add(c->g->answers[2], 1);
	call_reply(c, &reply);
}

static void ask_serial(gw_call *c)
{
	zone_call *z = c->state;
	store_tx *tx = store_begin(c->g->db);
	uint8_t digest[GW_SHA256_N];
	sot_err err = {0};
	SOT_AUTO_BUF content;
	sot_buf_init(&content, ZONE_BYTES_MAX + 4096);
	sot_buf_printf(
	    &content, "%s %lld\n", c->g->config->dns_name_server, (long long)c->g->config->dns_ttl_s);
	sot_buf_add_str(&content, sot_buf_str(&z->records));
	call_sha256(sot_buf_str(&content), digest);
	store_query(tx, GW_SQL_ZONE_SERIAL, on_serial, c);
	store_arg_c(tx, z->vrf);
	store_arg_c(tx, z->name);
	store_arg_bytes(tx, (sot_str){(const char *)digest, sizeof(digest)});
	if (store_commit(&tx, on_serial_known, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void on_zone_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	const zone_call *z = c->state;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (!z->exists)
		call_problem(c, 404, "not_found",
		    "there is no zone '%s': no VLAN names it, and it holds no subnet of a VLAN with a zone",
		    z->name);
	else if (z->err.code != SOT_OK)
		call_problem(c, 500, "internal", "a row cannot be read: %s", z->err.text);
	else if (sot_buf_failed(&z->records))
		call_problem(c, 500, "limit", "the zone is larger than 30 MiB");
	else
		ask_serial(c);
}

/* The name as the database has it: small letters, no dot at the end; of a reverse zone its network.
 */
static sot_code read_zone(gw_call *c, zone_call *z)
{
	char address[SOT_IP_TEXT];
	sot_ip network;
	uint8_t prefix = 0;
	sot_err err = {0};
	sot_code code;
	size_t n;
	gw_copy_cut(sot_str_c(c->match.params[0]), z->name, sizeof(z->name));
	n = strlen(z->name);
	if (n > 0 && z->name[n - 1] == '.')
		z->name[n - 1] = '\0';
	for (char *p = z->name; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	code = gw_zone_parse(sot_str_c(z->name), &network, &prefix, &err);
	if (code == SOT_OK)
		(void)snprintf(
		    z->network, sizeof(z->network), "%s/%u", sot_ip_format(network, address), prefix);
	if (code != SOT_INVALID)
		return SOT_OK;
	call_problem(c, 400, "invalid", "%s", err.text);
	return SOT_INVALID;
}

void serve_zone_get(gw_call *c)
{
	zone_call *z = sot_alloc(sizeof(*z));
	store_tx *tx;
	sot_err err = {0};
	c->state = z;
	c->state_free = zone_call_free;
	sot_buf_init(&z->records, ZONE_BYTES_MAX);
	if (call_query(c, "vrf", z->vrf, sizeof(z->vrf)) != SOT_OK || read_zone(c, z) != SOT_OK)
		return;
	if (z->network[0] != '\0' && z->vrf[0] == '\0')
		(void)snprintf(z->vrf, sizeof(z->vrf), "default");
	tx = store_begin_read(c->g->db);
	store_query(tx, GW_SQL_ZONE_EXISTS, on_exists, c);
	store_arg_c(tx, z->name);
	store_arg_c(tx, z->network);
	store_arg_c(tx, z->vrf);
	store_query(
	    tx, z->network[0] != '\0' ? GW_SQL_ZONE_REVERSE : GW_SQL_ZONE_FORWARD, on_records, c);
	store_arg_c(tx, z->network[0] != '\0' ? z->network : z->name);
	store_arg_c(tx, z->vrf);
	if (store_commit(&tx, on_zone_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}
