/* Entity tags and If-Match: a change is made only if the resource is still as the caller has seen
 * it. What is looked at, and what a tag is made of: core/gw_etag. */
#include "gateway.h"

#include "gw_etag.h"
#include "gw_sql.h"

#include <string.h>

void call_item(gw_call *c, sot_str body)
{
	char etag[GW_ETAG_MAX];
	gw_route_id source = gw_etag_source(c->match.route->id);
	if (source == GW_ROUTE_COUNT || gw_etag_of(source, body, etag, NULL) != SOT_OK)
		call_json(c, 200, body);
	else
		call_json_with(c, 200, body, "ETag", etag);
}

static void on_item(void *self, const store_result *res)
{
	gw_call *c = self;
	if (store_rows(res) > 0)
		sot_buf_add_str(&c->rows, store_text(res, 0, 0));
}

static void on_looked(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	char etag[GW_ETAG_MAX] = "";
	sot_err err = {0};
	bool found = c->rows.n > 0;
	if (outcome->code != SOT_OK) {
		call_store_failed(c, outcome);
		return;
	}
	if (found && gw_etag_of(gw_etag_source(c->match.route->id), sot_buf_str(&c->rows), etag,
	                 &err) != SOT_OK) {
		call_fail(c, &err);
		return;
	}
	sot_buf_reset(&c->rows);
	if (found && !gw_etag_matches(gw_request_header(c->http, "If-Match"), etag))
		call_problem(c, 412, "precondition_failed",
		    "%.*s has been changed since it was read: it is %s now; read it again and decide anew",
		    SOT_ARG(gw_request_path(c->http)), etag);
	else /* what is not there is answered as ever */
		gw_handlers[c->match.route->id](c);
}

static int statement_of(gw_route_id source)
{
	switch (source) {
	case GW_ROUTE_app_get:
		return GW_SQL_APP_GET;
	case GW_ROUTE_user_get:
		return GW_SQL_USER_GET;
	case GW_ROUTE_webhook_get:
		return GW_SQL_WEBHOOK_GET;
	case GW_ROUTE_vlan_get:
		return GW_SQL_VLAN_GET;
	case GW_ROUTE_subnet_get:
		return GW_SQL_SUBNET_GET;
	case GW_ROUTE_address_get:
		return GW_SQL_ADDRESS_GET;
	default:
		return GW_SQL_HOST_GET;
	}
}

static void look(gw_call *c, gw_route_id source)
{
	char vrf[64], name[GW_PARAM_MAX];
	bool is_network = source == GW_ROUTE_subnet_get;
	sot_err err = {0};
	if (call_query(c, "vrf", vrf, sizeof(vrf)) != SOT_OK)
		return;
	(void)snprintf(name, sizeof(name), "%s", c->match.params[0]);
	if (is_network)
		subnet_normalize(c->match.params[0], name);
	store_tx *tx = store_begin_read(c->g->db);
	store_query(tx, statement_of(source), on_item, c);
	store_arg_c(tx, name);
	if (is_network || source == GW_ROUTE_address_get)
		store_arg_c(tx, vrf);
	if (store_commit(&tx, on_looked, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static bool is_asked(gw_call *c)
{
	return (c->match.route->flags & GW_MUTATING) && gw_request_header(c->http, "If-Match").n > 0;
}

bool gw_precondition_refuses(gw_call *c)
{
	const gw_route *route = c->match.route;
	if (!is_asked(c) || gw_etag_source(route->id) != GW_ROUTE_COUNT)
		return false;
	call_problem(c, 412, "precondition_failed",
	    "%s %s has no ETag that If-Match could name; leave the header out", route->method,
	    route->pattern);
	return true;
}

void gw_precondition_check(gw_call *c)
{
	if (!is_asked(c))
		gw_handlers[c->match.route->id](c);
	else if (!gw_precondition_refuses(c))
		look(c, gw_etag_source(c->match.route->id));
}
