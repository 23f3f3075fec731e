/* Reads: rows that PostgreSQL has turned into JSON are passed through. One table says which
 * statement serves a list and which filters it takes. */
#include "gateway.h"

#include "gw_fields.h"
#include "gw_sql.h"
#include "gw_text.h"
#include "sot_failpoint.h"
#include "sot_parse.h"

#include <string.h>

#define FILTERS_MAX 9
#define LIMIT_DEFAULT 100
#define LIMIT_MAX 500

typedef struct list_spec {
	gw_route_id route;
	int statement;
	const char *name;                 /* in page tokens */
	const char *filters[FILTERS_MAX]; /* query parameters after key and limit */
	bool filter_is_path;              /* the path's parameter comes before them */
	bool is_own;                      /* whose they may be comes before them: the caller, or '' */
	bool is_cut; /* what the caller may see comes after them (gateway.visible_apps) */
} list_spec;

static const list_spec lists[] = {
    {.route = GW_ROUTE_host_list,
        .statement = GW_SQL_HOST_LIST,
        .name = "hosts",
        .filters = {"state", "text"}},
    {.route = GW_ROUTE_host_cleanup_list,
        .statement = GW_SQL_HOST_CLEANUP_LIST,
        .name = "cleanup",
        .filter_is_path = true},
    {.route = GW_ROUTE_host_container_list,
        .statement = GW_SQL_HOST_CONTAINER_LIST,
        .name = "containers",
        .filter_is_path = true},
    {.route = GW_ROUTE_machine_list,
        .statement = GW_SQL_MACHINE_LIST,
        .name = "machines",
        .filters = {"state", "az", "rack"}},
    {.route = GW_ROUTE_machine_log,
        .statement = GW_SQL_MACHINE_LOG,
        .name = "lines",
        .filter_is_path = true},
    {.route = GW_ROUTE_host_key_list,
        .statement = GW_SQL_HOST_KEY_LIST,
        .name = "hostKeys",
        .filters = {"state", "machine"}},
    {.route = GW_ROUTE_plan_list, .statement = GW_SQL_PLAN_LIST, .name = "plans"},
    {.route = GW_ROUTE_host_class_list, .statement = GW_SQL_HOST_CLASS_LIST, .name = "hostClasses"},
    {.route = GW_ROUTE_team_list, .statement = GW_SQL_TEAM_LIST, .name = "teams"},
    {.route = GW_ROUTE_mixing_list, .statement = GW_SQL_MIXING_LIST, .name = "mixing"},
    {.route = GW_ROUTE_image_list, .statement = GW_SQL_IMAGE_LIST, .name = "images"},
    {.route = GW_ROUTE_image_instance_list,
        .statement = GW_SQL_IMAGE_INSTANCE_LIST,
        .name = "imageInstances",
        .filters = {"outdated"},
        .filter_is_path = true},
    {.route = GW_ROUTE_vlan_list,
        .statement = GW_SQL_VLAN_LIST,
        .name = "vlans",
        .filters = {"vrf", "group"}},
    {.route = GW_ROUTE_subnet_list,
        .statement = GW_SQL_SUBNET_LIST,
        .name = "subnets",
        .filters = {"vlan", "vrf", "family", "level"}},
    {.route = GW_ROUTE_range_list,
        .statement = GW_SQL_RANGE_LIST,
        .name = "ranges",
        .filters = {"vlan", "vrf", "subnet", "kind"}},
    {.route = GW_ROUTE_pool_list,
        .statement = GW_SQL_POOL_LIST,
        .name = "pools",
        .filters = {"vlan", "vrf"}},
    {.route = GW_ROUTE_app_list,
        .statement = GW_SQL_APP_LIST,
        .name = "apps",
        .filters = {"labels", "text"},
        .is_cut = true},
    {.route = GW_ROUTE_user_list,
        .statement = GW_SQL_USER_LIST,
        .name = "users",
        .filters = {"role"}},
    {.route = GW_ROUTE_grant_list,
        .statement = GW_SQL_GRANT_LIST,
        .name = "grants",
        .filters = {"user", "team", "app"}},
    {.route = GW_ROUTE_token_list,
        .statement = GW_SQL_TOKEN_LIST,
        .name = "tokens",
        .is_own = true,
        .filters = {"user"}},
    {.route = GW_ROUTE_session_list,
        .statement = GW_SQL_SESSION_LIST,
        .name = "sessions",
        .is_own = true,
        .filters = {"user"}},
    {.route = GW_ROUTE_version_list,
        .statement = GW_SQL_VERSION_LIST,
        .name = "versions",
        .filter_is_path = true},
    {.route = GW_ROUTE_instance_list,
        .statement = GW_SQL_INSTANCE_LIST,
        .name = "instances",
        .filters = {"app", "host", "state", "labels", "text"},
        .is_cut = true},
    {.route = GW_ROUTE_operation_list,
        .statement = GW_SQL_OPERATION_LIST,
        .name = "operations",
        .filters = {"state", "app", "kind", "actor", "parent", "since", "until", "retryOf"},
        .is_cut = true},
    {.route = GW_ROUTE_operation_log,
        .statement = GW_SQL_OPERATION_LOG,
        .name = "lines",
        .filter_is_path = true},
    {.route = GW_ROUTE_address_list,
        .statement = GW_SQL_ADDRESS_LIST,
        .name = "addresses",
        .filters = {"vlan", "vrf", "state", "address", "subnet", "host", "instance", "owner"}},
    {.route = GW_ROUTE_address_history,
        .statement = GW_SQL_ADDRESS_HISTORY,
        .name = "history",
        .filter_is_path = true,
        .filters = {"vrf", "at"}},
    {.route = GW_ROUTE_finding_list,
        .statement = GW_SQL_FINDING_LIST,
        .name = "findings",
        .filters = {"kind", "vrf", "host"}},
    {.route = GW_ROUTE_leak_list, .statement = GW_SQL_LEAK_LIST, .name = "leaks"},
    {.route = GW_ROUTE_import_list,
        .statement = GW_SQL_IMPORT_LIST,
        .name = "imports",
        .filters = {"state"}},
    {.route = GW_ROUTE_idle_list,
        .statement = GW_SQL_IDLE_LIST,
        .name = "idle",
        .filters = {"days", "app"}},
    {.route = GW_ROUTE_drift_list,
        .statement = GW_SQL_DRIFT_LIST,
        .name = "drift",
        .filters = {"app", "instance"}},
    {.route = GW_ROUTE_ssh_certificate_list,
        .statement = GW_SQL_SSH_CERTIFICATE_LIST,
        .name = "certificates",
        .filters = {"person", "state"}},
    {.route = GW_ROUTE_ssh_key_list,
        .statement = GW_SQL_SSH_KEY_LIST,
        .name = "keys",
        .filters = {"person"}},
    {.route = GW_ROUTE_group_list,
        .statement = GW_SQL_GROUP_LIST,
        .name = "groups",
        .filter_is_path = true},
    {.route = GW_ROUTE_elastic_decision_list,
        .statement = GW_SQL_ELASTIC_DECISION_LIST,
        .name = "elastic-decisions",
        .filter_is_path = true,
        .filters = {"group"}},
    {.route = GW_ROUTE_middleware_list, .statement = GW_SQL_MIDDLEWARE_LIST, .name = "middleware"},
    {.route = GW_ROUTE_middleware_version_list,
        .statement = GW_SQL_MIDDLEWARE_VERSION_LIST,
        .name = "middleware-versions",
        .filter_is_path = true},
    {.route = GW_ROUTE_middleware_instance_list,
        .statement = GW_SQL_MIDDLEWARE_INSTANCE_LIST,
        .name = "middleware-instances",
        .filter_is_path = true},
    {.route = GW_ROUTE_middleware_app_list,
        .statement = GW_SQL_MIDDLEWARE_APP_LIST,
        .name = "middleware-apps",
        .filter_is_path = true},
    {.route = GW_ROUTE_signing_key_list,
        .statement = GW_SQL_SIGNING_KEY_LIST,
        .name = "signing-keys",
        .filters = {"app"}},
    {.route = GW_ROUTE_ssh_session_list,
        .statement = GW_SQL_SSH_SESSION_LIST,
        .name = "sessions",
        .filters = {"instance", "person", "open"}},
    {.route = GW_ROUTE_webhook_list, .statement = GW_SQL_WEBHOOK_LIST, .name = "webhooks"},
    {.route = GW_ROUTE_dead_letter_list,
        .statement = GW_SQL_DEAD_LETTER_LIST,
        .name = "deadLetters",
        .filter_is_path = true},
    {.route = GW_ROUTE_audit_list,
        .statement = GW_SQL_AUDIT_LIST,
        .name = "audit",
        .filters = {"actor", "action", "target", "operation", "result", "since", "until",
            "credential"}},
};

/* A log is continued by line number: ?after=N. */
static bool is_log(const list_spec *spec)
{
	return spec->route == GW_ROUTE_operation_log || spec->route == GW_ROUTE_machine_log;
}

static const list_spec *spec_of(gw_route_id route)
{
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		if (lists[i].route == route)
			return &lists[i];
	return NULL;
}

static void add_or_null(sot_buf *out, const store_result *res, int column)
{
	if (store_is_null(res, 0, column))
		sot_buf_add_c(out, "null");
	else
		sot_buf_add_json(out, store_text(res, 0, column));
}

static void on_list(void *self, const store_result *res)
{
	gw_call *c = self;
	const list_spec *spec = spec_of(c->match.route->id);
	sot_buf_add_c(&c->rows, "{\"items\":");
	sot_buf_add_str(&c->rows, store_text(res, 0, 0));
	sot_buf_add_c(&c->rows, ",\"next\":");
	if (store_is_null(res, 0, 1) || is_log(spec)) {
		add_or_null(&c->rows, res, 1);
	} else {
		sot_buf_add_char(&c->rows, '"');
		gw_page_encode(spec->name, store_text(res, 0, 1), &c->rows);
		sot_buf_add_char(&c->rows, '"');
	}
	sot_buf_printf(&c->rows, ",\"total\":%.*s,\"cursor\":", SOT_ARG(store_text(res, 0, 2)));
	add_or_null(&c->rows, res, 3);
	sot_buf_add_c(&c->rows, "}\n");
}

/* With ?fields=a,b only these members of the items. */
static void send_list(gw_call *c)
{
	char fields[GW_FIELDS_TEXT_MAX];
	SOT_AUTO_BUF cut;
	sot_err err = {0};
	sot_buf_init(&cut, 32u * 1024 * 1024);
	if (call_query(c, "fields", fields, sizeof(fields)) != SOT_OK)
		return;
	if (fields[0] == '\0')
		call_json(c, 200, sot_buf_str(&c->rows));
	else if (gw_fields_select(sot_buf_str(&c->rows), sot_str_c(fields), &cut, &err) == SOT_OK)
		call_json(c, 200, sot_buf_str(&cut));
	else
		call_problem(c, 400, "invalid", "query parameter 'fields': %s", err.text);
}

static void on_read(void *self, const store_outcome *outcome)
{
	gw_call *c = self;
	if (outcome->code != SOT_OK)
		call_store_failed(c, outcome);
	else if (sot_buf_failed(&c->rows))
		call_problem(c, 500, "limit", "the answer is larger than 32 MiB; ask with a smaller limit");
	else if (c->rows.n == 0)
		call_problem(c, 404, "not_found", "there is no %.*s", SOT_ARG(gw_request_path(c->http)));
	else if (spec_of(c->match.route->id) != NULL)
		send_list(c);
	else
		call_item(c, sot_buf_str(&c->rows));
}

static sot_code read_limit(gw_call *c, uint64_t *ret)
{
	char text[32];
	if (call_query(c, "limit", text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] == '\0' || sot_parse_u64(sot_str_c(text), 1, LIMIT_MAX, ret, NULL) == SOT_OK)
		return SOT_OK;
	call_problem(c, 400, "invalid", "query parameter 'limit' must be 1 to %d", LIMIT_MAX);
	return SOT_INVALID;
}

static sot_code read_after(gw_call *c, const list_spec *spec, char key[GW_PAGE_KEY_MAX])
{
	char text[2 * GW_PAGE_KEY_MAX];
	uint64_t line = 0;
	sot_err err = {0};
	key[0] = '\0';
	if (call_query(c, "after", text, sizeof(text)) != SOT_OK)
		return SOT_INVALID;
	if (text[0] == '\0')
		return SOT_OK;
	if (is_log(spec)) {
		if (sot_parse_u64(sot_str_c(text), 0, INT64_MAX, &line, NULL) == SOT_OK)
			return sot_str_copy(sot_str_c(text), key, GW_PAGE_KEY_MAX, NULL);
		call_problem(c, 400, "invalid", "query parameter 'after' must be a line number");
		return SOT_INVALID;
	}
	if (gw_page_decode(spec->name, sot_str_c(text), key, &err) == SOT_OK)
		return SOT_OK;
	call_problem(c, 400, "invalid", "%s", err.text);
	return SOT_INVALID;
}

static void add_visible(gw_call *c, store_tx *tx)
{
	SOT_AUTO_BUF visible;
	sot_buf_init(&visible, GW_GRANTS_MAX * 4 * GW_NAME_MAX);
	gw_rights_visible(c->caller.rights, &visible);
	store_arg_str(tx, sot_buf_str(&visible));
}

static sot_code add_filters(gw_call *c, const list_spec *spec, store_tx *tx)
{
	if (spec->filter_is_path)
		store_arg_c(tx, c->match.params[0]);
	if (spec->is_own)
		store_arg_c(tx, c->caller.role >= GW_ROLE_OPERATOR ? "" : c->caller.name);
	for (size_t i = 0; i < FILTERS_MAX && spec->filters[i] != NULL; i++) {
		char text[128];
		if (call_query(c, spec->filters[i], text, sizeof(text)) != SOT_OK)
			return SOT_INVALID;
		if (strcmp(spec->filters[i], "labels") == 0 && !gw_selector_is_right(sot_str_c(text))) {
			call_problem(c, 400, "invalid",
			    "query parameter 'labels': write name=value, name!=value, name or !name, with "
			    "commas "
			    "between");
			return SOT_INVALID;
		}
		store_arg_c(tx, text);
	}
	if (spec->is_cut)
		add_visible(c, tx);
	return SOT_OK;
}

static void serve_list(gw_call *c)
{
	const list_spec *spec = spec_of(c->match.route->id);
	char key[GW_PAGE_KEY_MAX];
	uint64_t limit = LIMIT_DEFAULT;
	store_tx *tx;
	sot_err err = {0};
	if (read_limit(c, &limit) != SOT_OK || read_after(c, spec, key) != SOT_OK)
		return;
	SOT_FAILPOINT_HIT("gateway.read.before_query");
	tx = store_begin_read(c->g->db);
	store_query(tx, spec->statement, on_list, c);
	store_arg_c(tx, key);
	store_arg_i64(tx, (int64_t)limit);
	if (add_filters(c, spec, tx) != SOT_OK) {
		(void)store_tx_free(tx);
		return;
	}
	if (store_commit(&tx, on_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

static void on_item(void *self, const store_result *res)
{
	gw_call *c = self;
	if (store_rows(res) == 0)
		return;
	sot_buf_add_str(&c->rows, store_text(res, 0, 0));
	sot_buf_add_char(&c->rows, '\n');
}

/* The parameters are those of the statement; NULL: it has not got that one. */
static void serve_item(
    gw_call *c, int statement, const char *parameter, const char *second_parameter)
{
	store_tx *tx = store_begin_read(c->g->db);
	sot_err err = {0};
	store_query(tx, statement, on_item, c);
	if (parameter != NULL)
		store_arg_c(tx, parameter);
	if (second_parameter != NULL)
		store_arg_c(tx, second_parameter);
	if (store_commit(&tx, on_read, c, &err) != SOT_OK)
		call_fail(c, &err);
}

void serve_overview_get(gw_call *c)
{
	serve_item(c, GW_SQL_OVERVIEW, NULL, NULL);
}

void serve_host_get(gw_call *c)
{
	serve_item(c, GW_SQL_HOST_GET, c->match.params[0], NULL);
}

void serve_machine_get(gw_call *c)
{
	serve_item(c, GW_SQL_MACHINE_GET, c->match.params[0], NULL);
}

void serve_app_settings_get(gw_call *c)
{
	serve_item(c, GW_SQL_APP_SETTINGS_GET, c->match.params[0], NULL);
}

void serve_app_get(gw_call *c)
{
	serve_item(c, GW_SQL_APP_GET, c->match.params[0], NULL);
}

void serve_audit_check(gw_call *c)
{
	char after[24];
	uint64_t number = 0;
	if (call_query(c, "after", after, sizeof(after)) != SOT_OK)
		return;
	if (after[0] != '\0' && sot_parse_u64(sot_str_c(after), 0, INT64_MAX, &number, NULL) != SOT_OK)
		call_problem(c, 400, "invalid", "query parameter 'after' must be the number of a row");
	else
		serve_item(c, GW_SQL_AUDIT_CHECK, after[0] != '\0' ? after : "0", NULL);
}

void serve_webhook_get(gw_call *c)
{
	serve_item(c, GW_SQL_WEBHOOK_GET, c->match.params[0], NULL);
}

void serve_user_get(gw_call *c)
{
	serve_item(c, GW_SQL_USER_GET, c->match.params[0], NULL);
}

void serve_image_get(gw_call *c)
{
	serve_item(c, GW_SQL_IMAGE_GET, c->match.params[0], NULL);
}

void serve_instance_get(gw_call *c)
{
	serve_item(c, GW_SQL_INSTANCE_GET, c->match.params[0], NULL);
}

void serve_instance_why(gw_call *c)
{
	serve_item(c, GW_SQL_INSTANCE_WHY, c->match.params[0], NULL);
}

void serve_operation_why(gw_call *c)
{
	serve_item(c, GW_SQL_OPERATION_WHY, c->match.params[0], NULL);
}

void serve_vlan_get(gw_call *c)
{
	serve_item(c, GW_SQL_VLAN_GET, c->match.params[0], NULL);
}

void serve_elastic_get(gw_call *c)
{
	char group[64];
	if (call_query(c, "group", group, sizeof(group)) == SOT_OK)
		serve_item(c, GW_SQL_ELASTIC_GET, c->match.params[0], group);
}

void serve_host_brake_get(gw_call *c)
{
	serve_item(c, GW_SQL_HOST_BRAKE_GET, NULL, NULL);
}

void serve_monitor_get(gw_call *c)
{
	serve_item(c, GW_SQL_MONITOR_GET, NULL, NULL);
}

void serve_monitor_request_get(gw_call *c)
{
	serve_item(c, GW_SQL_MONITOR_REQUEST_GET, c->match.params[0], NULL);
}

void serve_ipam_get(gw_call *c)
{
	serve_item(c, GW_SQL_IPAM_GET, NULL, NULL);
}

void serve_import_get(gw_call *c)
{
	serve_item(c, GW_SQL_IMPORT_GET, c->match.params[0], NULL);
}

void serve_address_get(gw_call *c)
{
	char vrf[64];
	if (call_query(c, "vrf", vrf, sizeof(vrf)) == SOT_OK)
		serve_item(c, GW_SQL_ADDRESS_GET, c->match.params[0], vrf);
}

/* Lists whose path has no parameter, or one that is any text. */
#define LIST(handler)                                                                              \
	void serve_##handler(gw_call *c)                                                               \
	{                                                                                              \
		serve_list(c);                                                                             \
	}
LIST(host_list)
LIST(host_cleanup_list)
LIST(host_container_list)
LIST(machine_list)
LIST(machine_log)
LIST(host_key_list)
LIST(plan_list)
LIST(host_class_list)
LIST(team_list)
LIST(mixing_list)
LIST(image_list)
LIST(signing_key_list)
LIST(group_list)
LIST(elastic_decision_list)
LIST(middleware_list)
LIST(middleware_version_list)
LIST(middleware_instance_list)
LIST(middleware_app_list)
LIST(image_instance_list)
LIST(pool_list)
LIST(app_list)
LIST(user_list)
LIST(grant_list)
LIST(token_list)
LIST(session_list)
LIST(webhook_list)
LIST(dead_letter_list)
LIST(version_list)
LIST(instance_list)
LIST(operation_list)
LIST(vlan_list)
LIST(subnet_list)
LIST(range_list)
LIST(address_list)
LIST(finding_list)
LIST(leak_list)
LIST(import_list)
LIST(audit_list)
LIST(idle_list)
LIST(drift_list)
LIST(ssh_certificate_list)
LIST(ssh_key_list)
LIST(ssh_session_list)
LIST(address_history)

void serve_operation_log(gw_call *c)
{
	sot_uuid id;
	if (sot_uuid_parse(sot_str_c(c->match.params[0]), &id, NULL) == SOT_OK)
		serve_list(c);
	else
		call_problem(c, 404, "not_found", "'%s' is no operation's id", c->match.params[0]);
}
