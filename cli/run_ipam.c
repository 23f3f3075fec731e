/* Commands of the address management: VLANs, subnets, ranges, addresses, imports, guards. */
#include "cli.h"

#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- fields ---- */
bool cli_set_flag(json_t *body, const cli_call *call, const char *option, const char *field)
{
	const char *text = cli_option_of(call, option, 0);
	bool value = true;
	if (text == NULL)
		return true;
	if (text[0] != '\0' && sot_parse_bool(sot_str_c(text), &value, NULL) != SOT_OK) {
		cli_say("error: --%s=%s is not yes or no", option, text);
		return false;
	}
	return json_object_set_new(body, field, json_boolean(value)) == 0;
}

bool cli_set_option_number(
    json_t *body, const cli_call *call, const char *option, const char *field)
{
	return cli_set_number(body, option, field, cli_option_of(call, option, 0));
}

bool cli_set_texts(json_t *body, const cli_call *call, const char *option, const char *field)
{
	json_t *list;
	if (cli_option_of(call, option, 0) == NULL)
		return true;
	list = json_array();
	(void)json_object_set_new(body, field, list);
	for (size_t i = 0; cli_option_of(call, option, i) != NULL; i++)
		if (cli_option_of(call, option, i)[0] != '\0')
			(void)json_array_append_new(list, json_string(cli_option_of(call, option, i)));
	return true;
}

/* --scope=az:b, repeated; --scope=everywhere for no limit. */
static bool set_scopes(json_t *body, const cli_call *call)
{
	json_t *list;
	if (cli_option_of(call, "scope", 0) == NULL)
		return true;
	list = json_array();
	(void)json_object_set_new(body, "scopes", list);
	for (size_t i = 0; cli_option_of(call, "scope", i) != NULL; i++) {
		const char *text = cli_option_of(call, "scope", i), *colon = strchr(text, ':');
		if (strcmp(text, "everywhere") == 0)
			continue;
		if (colon == NULL || colon == text || colon[1] == '\0') {
			cli_say("error: --scope=%s is not az:NAME, rack:NAME, host:NAME or everywhere", text);
			return false;
		}
		(void)json_array_append_new(list,
		    json_pack("{s:s%, s:s}", "kind", text, (size_t)(colon - text), "name", colon + 1));
	}
	return true;
}

/* ---- read, change, write back ---- */
cli_exit cli_read_changeable(
    const cli_call *call, const char *const *fields, size_t field_count, json_t **ret)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	*ret = json_object();
	for (size_t i = 0; result == CLI_OK && i < field_count; i++)
		(void)json_object_set(*ret, fields[i], json_object_get(reply.json, fields[i]));
	cli_reply_clear(&reply);
	free(path);
	return result;
}

/* ---- VLANs ---- */
static bool set_vlan(json_t *body, const cli_call *call)
{
	return cli_set_text(body, call, "group", "group", NULL) &&
	       cli_set_option_number(body, call, "mtu", "mtu") &&
	       cli_set_flag(body, call, "isolated", "isolated") &&
	       cli_set_text(body, call, "dns-zone", "dnsZone", NULL) &&
	       cli_set_text(body, call, "description", "description", NULL) && set_scopes(body, call);
}

cli_exit run_vlan_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "name", call->args[0]);
	const char *id = cli_option_of(call, "id", 0);
	bool right = cli_set_number(body, "--id", "vlanId", id != NULL ? id : "0") &&
	             cli_set_text(body, call, "vrf", "vrf", NULL) && set_vlan(body, call);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_vlan_update(const cli_call *call)
{
	static const char *const fields[] = {
	    "group", "mtu", "isolated", "dnsZone", "description", "scopes"};
	json_t *body = NULL;
	cli_call plain = *call;
	cli_exit result;
	plain.option_count = 0; /* for the read: its options are no filters */
	result = cli_read_changeable(&plain, fields, sizeof(fields) / sizeof(fields[0]), &body);
	if (result == CLI_OK)
		return cli_send_if(call, set_vlan(body, call), "PUT", body);
	json_decref(body);
	return result;
}

/* ---- subnets ---- */
static bool set_subnet(json_t *body, const cli_call *call)
{
	return cli_set_texts(body, call, "dns", "dns") &&
	       cli_set_option_number(body, call, "rank", "rank") &&
	       cli_set_option_number(body, call, "weight", "weight") &&
	       cli_set_text(body, call, "description", "description", NULL);
}

cli_exit run_subnet_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s, s:s}", "vlan", call->args[0], "cidr", call->args[1]);
	bool right = cli_set_text(body, call, "gateway", "gateway", NULL) &&
	             cli_set_text(body, call, "first", "first", NULL) &&
	             cli_set_text(body, call, "last", "last", NULL) &&
	             cli_set_flag(body, call, "redundant-gateway", "redundantGateway") &&
	             set_subnet(body, call);
	return cli_send_if(call, right, "POST", body);
}

cli_exit run_subnet_update(const cli_call *call)
{
	static const char *const fields[] = {"open", "dns", "rank", "weight", "description"};
	json_t *body = NULL;
	cli_exit result = cli_read_changeable(call, fields, sizeof(fields) / sizeof(fields[0]), &body);
	if (result == CLI_OK)
		return cli_send_if(
		    call, cli_set_flag(body, call, "open", "open") && set_subnet(body, call), "PUT", body);
	json_decref(body);
	return result;
}

cli_exit run_subnet_map(const cli_call *call)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 64u * 1024 * 1024);
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, reply.json);
	} else if (result == CLI_OK) {
		cli_table(
		    call->command->columns, cli_at(reply.json, "runs"), call->output == CLI_WIDE, 0, &text);
		cli_print(&text);
	}
	cli_reply_clear(&reply);
	free(path);
	return result;
}

/* ---- ranges and addresses ---- */
cli_exit run_range_create(const cli_call *call)
{
	json_t *body = json_pack("{s:s, s:s}", "first", call->args[0], "last", call->args[1]);
	bool right = cli_needed(call, "kind") && cli_set_text(body, call, "kind", "kind", NULL) &&
	             cli_set_text(body, call, "pool", "pool", NULL) &&
	             cli_set_text(body, call, "owner", "owner", NULL) &&
	             cli_set_text(body, call, "reason", "reason", NULL) &&
	             cli_set_text(body, call, "vrf", "vrf", NULL);
	cli_call plain = *call;
	plain.arg_count = 0;
	return cli_send_if(&plain, right, "POST", body);
}

cli_exit run_address_fix(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "vlan", call->args[0]);
	cli_request q = {.method = "POST", .path = call->command->path, .json = body};
	cli_reply reply;
	cli_exit result = CLI_USAGE;
	bool right = cli_set_text(body, call, "state", "state", "static") &&
	             cli_set_text(body, call, "owner", "owner", NULL) &&
	             cli_set_text(body, call, "mac", "mac", NULL) &&
	             cli_set_text(body, call, "reason", "reason", NULL);
	if (call->arg_count > 1)
		(void)json_object_set_new(body, "address", json_string(call->args[1]));
	else if (cli_option_of(call, "v6", 0) != NULL)
		(void)json_object_set_new(body, "family", json_integer(6));
	if (right) {
		result = cli_send(call, &q, &reply);
		if (result == CLI_OK && cli_is_data(call))
			cli_print_data(call, reply.json);
		else if (result == CLI_OK)
			printf("%s\n", cli_text_at(reply.json, "address"));
		cli_reply_clear(&reply);
	}
	json_decref(body);
	return result;
}

/* ---- the state of the address management ---- */
static long long count_at(const json_t *object, const char *path)
{
	return (long long)json_integer_value(cli_at(object, path));
}

static void print_guards(const json_t *o)
{
	const json_t *awaited = cli_at(o, "awaited");
	if (cli_text_at(o, "quarantineSince")[0] == '\0')
		printf("quarantine  none\n");
	else
		printf("quarantine  since %s: %s\n", cli_text_at(o, "quarantineSince"),
		    cli_text_at(o, "quarantineReason"));
	for (size_t i = 0; i < json_array_size(awaited); i++)
		printf("  awaits    %s, last report %s\n", cli_text_at(json_array_get(awaited, i), "host"),
		    cli_text_at(json_array_get(awaited, i), "reportedAt")[0] != '\0'
		        ? cli_text_at(json_array_get(awaited, i), "reportedAt")
		        : "never");
	if (cli_text_at(o, "brakeSince")[0] == '\0')
		printf("brake       off\n");
	else
		printf("brake       since %s holds %lld addresses: %s\n", cli_text_at(o, "brakeSince"),
		    count_at(o, "brakeCandidates"), cli_text_at(o, "brakeReason"));
}

cli_exit run_ipam_status(const cli_call *call)
{
	cli_request q = {.method = "GET", .path = call->command->path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	const json_t *o = reply.json;
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, o);
	} else if (result == CLI_OK) {
		print_guards(o);
		printf("findings    %lld foreign, %lld missing, %lld moved, %lld conflicts\n",
		    count_at(o, "findings.foreign"), count_at(o, "findings.missing"),
		    count_at(o, "findings.moved"), count_at(o, "findings.conflict"));
		printf("leaks       %lld under observation\n", count_at(o, "leaks"));
		printf("subnets     %lld ok, %lld notice, %lld warning, %lld critical\n",
		    count_at(o, "levels.ok"), count_at(o, "levels.notice"), count_at(o, "levels.warning"),
		    count_at(o, "levels.critical"));
	}
	cli_reply_clear(&reply);
	return result;
}

cli_exit run_ipam_guard(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_needed(call, "reason") && cli_set_text(body, call, "reason", "reason", NULL);
	return cli_send_if(call, right, "POST", body);
}

/* ---- imports ---- */
static void print_report(const json_t *report, bool dry_run)
{
	printf("%s: %lld lines: %lld VLANs, %lld subnets, %lld ranges, %lld addresses %s, "
	       "%lld unchanged\n",
	    dry_run ? "checked" : "applied", count_at(report, "lines"),
	    count_at(report, "changes.vlans"), count_at(report, "changes.subnets"),
	    count_at(report, "changes.ranges"), count_at(report, "changes.addresses"),
	    dry_run ? "would change" : "changed", count_at(report, "changes.unchanged"));
}

cli_exit run_ipam_import(const cli_call *call)
{
	const char *file = call->args[0], *slash = strrchr(file, '/');
	char *base = cli_escape(slash != NULL ? slash + 1 : file);
	bool dry_run = cli_option_of(call, "dry-run", 0) != NULL;
	cli_request q = {.method = "POST", .file = file};
	cli_reply reply;
	cli_exit result;
	sot_buf path;
	sot_buf_init(&path, 65536);
	sot_buf_printf(&path, "%s?kind=%s&dryRun=%s&file=%s", call->command->path,
	    cli_option_of(call, "netbox", 0) != NULL ? "netbox" : "csv", dry_run ? "true" : "false",
	    base);
	q.path = path.p;
	result = cli_send(call, &q, &reply);
	if (result == CLI_OK && cli_is_data(call))
		cli_print_data(call, reply.json);
	else if (result == CLI_OK)
		print_report(reply.json, dry_run);
	cli_reply_clear(&reply);
	sot_buf_clear(&path);
	free(base);
	return result;
}
