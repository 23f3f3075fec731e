/* Dry runs, `sotalia what-if`, `capacity` and `rebalance`: what would be, in words. */
#include "placement.h"

#include "sot_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long long whole(const json_t *object, const char *path)
{
	return (long long)json_integer_value(cli_at(object, path));
}

static double gib(const json_t *object, const char *path)
{
	return (double)whole(object, path) / 1073741824;
}

static void print_table(const cli_column *columns, const json_t *items)
{
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 16u * 1024 * 1024);
	cli_table(columns, items, false, 0, &text);
	cli_print(&text);
}

/* ---- forecasts ---- */
static void print_placed(const json_t *decision)
{
	const json_t *placed = cli_at(decision, "placed");
	for (size_t k = 0; k < json_array_size(placed); k++) {
		const json_t *item = json_array_get(placed, k);
		printf("  %-24s on %-16s VLAN %s\n", json_string_value(json_array_get(item, 0)),
		    json_string_value(json_array_get(item, 1)), json_string_value(json_array_get(item, 2)));
	}
}

static void print_addresses(const json_t *addresses)
{
	for (size_t k = 0; k < json_array_size(addresses); k++)
		printf("  VLAN %s has %lld addresses left then\n",
		    cli_text_at(json_array_get(addresses, k), "vlan"),
		    whole(json_array_get(addresses, k), "free"));
}

void forecast_print_scale(const json_t *o)
{
	const json_t *placements = cli_at(o, "placements"), *leaving = cli_at(o, "leaving");
	printf("%s has %lld instances, %lld are wanted\n", cli_text_at(o, "app"), whole(o, "have"),
	    whole(o, "want"));
	if (cli_text_at(o, "behind")[0])
		printf("it would begin after operation %s\n", cli_text_at(o, "behind"));
	for (size_t k = 0; k < json_array_size(placements); k++)
		print_placed(json_array_get(placements, k));
	for (size_t k = 0; k < json_array_size(leaving); k++)
		printf("  %-24s leaves %s\n", cli_text_at(json_array_get(leaving, k), "instance"),
		    cli_text_at(json_array_get(leaving, k), "host"));
	if (json_is_object(cli_at(o, "refusal"))) {
		printf("%lld would wait: it ", whole(o, "refusal.count"));
		placement_print_refusal(cli_at(o, "refusal"));
	}
	print_addresses(cli_at(o, "addresses"));
}

cli_exit forecast_print(const cli_call *call, const json_t *answer)
{
	bool fits = !json_is_object(cli_at(answer, "refusal"));
	if (cli_is_data(call)) {
		cli_print_data(call, answer);
	} else {
		forecast_print_scale(answer);
		printf("nothing was changed; --if-still-true='%s' does just this or nothing\n",
		    cli_text_at(answer, "etag"));
	}
	return fits ? CLI_OK : CLI_BLOCKED;
}

/* ---- what-if ---- */
static void print_moves(const json_t *o)
{
	static const cli_column moves[] = {{.title = "INSTANCE", .path = "instance"},
	    {.title = "FROM", .path = "from"}, {.title = "TO", .path = "to"},
	    {.title = "KEEPS ADDRESS", .path = "keepsAddress"}, {.title = NULL}};
	static const cli_column apps[] = {{.title = "APP", .path = "app"},
	    {.title = "HAS", .path = "instances"}, {.title = "TOUCHED", .path = "touched"},
	    {.title = "ELSEWHERE", .path = "moved"}, {.title = "NOWHERE", .path = "unplaced"},
	    {.title = NULL}};
	const json_t *refusals = cli_at(o, "refusals");
	printf("%lld instances are touched: %lld find another host, %lld find none\n\n",
	    whole(o, "touched"), whole(o, "moved"), whole(o, "unplaced"));
	print_table(apps, cli_at(o, "apps"));
	printf("\n");
	print_table(moves, cli_at(o, "moves"));
	if (json_is_true(cli_at(o, "isCut")))
		printf("... and more\n");
	for (size_t k = 0; k < json_array_size(refusals); k++) {
		printf("\n%s ", cli_text_at(json_array_get(refusals, k), "app"));
		placement_print_refusal(json_array_get(refusals, k));
	}
}

static void print_more_hosts(const json_t *o)
{
	static const cli_column plans[] = {{.title = "PLAN", .path = "plan"},
	    {.title = "FITS NOW", .path = "fitsNow"}, {.title = "THEN", .path = "fits"},
	    {.title = NULL}};
	static const cli_column waiting[] = {{.title = "OPERATION", .path = "operation"},
	    {.title = "APP", .path = "app"}, {.title = "WAITING", .path = "instances"},
	    {.title = "PLACED", .path = "placed"}, {.title = NULL}};
	print_table(plans, cli_at(o, "plans"));
	if (json_array_size(cli_at(o, "waiting")) == 0)
		return;
	printf("\n");
	print_table(waiting, cli_at(o, "waiting"));
}

static void print_what_if(const json_t *o)
{
	const char *kind = cli_text_at(o, "kind");
	if (strcmp(kind, "add") == 0) {
		print_more_hosts(o);
	} else if (strcmp(kind, "scale") == 0) {
		forecast_print_scale(o);
	} else {
		if (strcmp(kind, "plan") == 0)
			printf("%lld instances fit where they are; %lld more would fit\n",
			    whole(o, "fitWhereTheyAre"), whole(o, "fitsMore"));
		print_moves(o);
	}
}

/* "rack=r1" as a member of the body. */
static bool add_place(json_t *body, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t n = equals != NULL ? (size_t)(equals - word) : 0;
	json_t *hosts = json_object_get(body, "hosts");
	if (n == 0)
		return json_array_append_new(hosts, json_string(word)) == 0;
	if (n == 4 && strncmp(word, "host", 4) == 0)
		return json_array_append_new(hosts, json_string(equals + 1)) == 0;
	if ((n == 4 && strncmp(word, "rack", 4) == 0) || (n == 2 && strncmp(word, "az", 2) == 0)) {
		char name[8] = "";
		memcpy(name, word, n);
		return json_object_set_new(body, name, json_string(equals + 1)) == 0;
	}
	cli_say("error: '%s' is not a host, host=NAME, rack=NAME or az=NAME", word);
	return false;
}

static bool set_places(json_t *body, const cli_call *call)
{
	(void)json_object_set_new(body, "hosts", json_array());
	for (size_t i = 1; i < call->arg_count; i++)
		if (!add_place(body, call->args[i]))
			return false;
	if (call->arg_count > 1)
		return true;
	cli_say("error: say which hosts: names, rack=NAME or az=NAME");
	return false;
}

static bool set_bytes(json_t *body, const cli_call *call, const char *option, const char *field)
{
	const char *text = cli_option_of(call, option, 0);
	uint64_t bytes = 0;
	if (text == NULL)
		return true;
	if (sot_parse_size(sot_str_c(text), &bytes, NULL) == SOT_OK && bytes < INT64_MAX)
		return json_object_set_new(body, field, json_integer((json_int_t)bytes)) == 0;
	cli_say("error: --%s=%s is not a size such as 512m or 2g", option, text);
	return false;
}

/* "0.5" or "16" cores as thousandths. */
static bool set_cpu(json_t *body, const cli_call *call)
{
	const char *text = cli_option_of(call, "cpu", 0);
	double cores = 0;
	if (text == NULL)
		return true;
	if (sot_parse_double(sot_str_c(text), &cores, NULL) == SOT_OK && cores > 0 && cores < 400000)
		return json_object_set_new(
		           body, "cpuMilli", json_integer((json_int_t)(cores * 1000 + 0.5))) == 0;
	cli_say("error: --cpu=%s is not a number of cores such as 0.5 or 16", text);
	return false;
}

static bool set_sizes(json_t *body, const cli_call *call)
{
	return set_cpu(body, call) && set_bytes(body, call, "memory", "memoryBytes") &&
	       set_bytes(body, call, "disk", "diskBytes");
}

static bool set_question(json_t *body, const cli_call *call)
{
	const char *kind = call->args[0];
	if (strcmp(kind, "lose") == 0 || strcmp(kind, "drain") == 0)
		return set_places(body, call);
	if (strcmp(kind, "add") == 0 && call->arg_count == 2)
		return cli_set_number(body, "COUNT", "count", call->args[1]) &&
		       cli_set_text(body, call, "like", "like", NULL) &&
		       cli_set_text(body, call, "az", "az", NULL) &&
		       cli_set_text(body, call, "rack", "rack", NULL) && set_sizes(body, call);
	if (strcmp(kind, "plan") == 0 && call->arg_count == 2)
		return json_object_set_new(body, "plan", json_string(call->args[1])) == 0 &&
		       set_sizes(body, call);
	if (strcmp(kind, "scale") == 0 && call->arg_count == 3)
		return json_object_set_new(body, "app", json_string(call->args[1])) == 0 &&
		       cli_set_number(body, "COUNT", "count", call->args[2]);
	cli_say("error: usage: sotalia what-if lose|drain HOST|rack=NAME|az=NAME..., add COUNT "
	        "--like=HOST, "
	        "plan NAME --memory=SIZE, scale APP COUNT");
	return false;
}

cli_exit run_what_if(const cli_call *call)
{
	json_t *body = json_pack("{s:s}", "kind", call->args[0]);
	cli_request q = {.method = "POST", .path = call->command->path, .json = body};
	cli_reply reply = {0};
	cli_exit result = CLI_USAGE;
	if (set_question(body, call)) {
		result = cli_send(call, &q, &reply);
		if (result == CLI_OK && cli_is_data(call))
			cli_print_data(call, reply.json);
		else if (result == CLI_OK)
			print_what_if(reply.json);
		cli_reply_clear(&reply);
	}
	json_decref(body);
	return result;
}

/* ---- capacity ---- */
static void print_sums(const char *label, const json_t *o)
{
	printf("%-10s %lld hosts, %lld open; cpu %g of %g cores booked, %g free; memory %.1f of %.1f "
	       "GiB booked, "
	       "%.1f free\n",
	    label, whole(o, "hosts"), whole(o, "open"), (double)whole(o, "booked.cpuMilli") / 1000,
	    (double)whole(o, "total.cpuMilli") / 1000, (double)whole(o, "free.cpuMilli") / 1000,
	    gib(o, "booked.memoryBytes"), gib(o, "total.memoryBytes"), gib(o, "free.memoryBytes"));
}

static void print_stranded(const json_t *o)
{
	const json_t *lacks = cli_at(o, "lacks");
	if (whole(o, "hosts") == 0)
		return;
	printf("stranded   on %lld hosts nothing fits: %g cores, %.1f GiB memory, %.1f GiB disk;",
	    whole(o, "hosts"), (double)whole(o, "free.cpuMilli") / 1000, gib(o, "free.memoryBytes"),
	    gib(o, "free.diskBytes"));
	for (size_t k = 0; k < json_array_size(lacks); k++)
		printf("%s %lld lack %s", k ? "," : "", whole(json_array_get(lacks, k), "hosts"),
		    cli_text_at(json_array_get(lacks, k), "of"));
	printf("\n");
}

static void print_capacity(const json_t *o)
{
	static const cli_column groups[] = {{.title = "ZONE", .path = "az"},
	    {.title = "RACK", .path = "rack"}, {.title = "CLASS", .path = "class"},
	    {.title = "HOSTS", .path = "hosts"}, {.title = "OPEN", .path = "open"},
	    {.title = "CPU", .path = "total.cpuMilli", .format = CLI_CPU},
	    {.title = "BOOKED", .path = "booked.cpuMilli", .format = CLI_CPU},
	    {.title = "FREE", .path = "free.cpuMilli", .format = CLI_CPU},
	    {.title = "MEMORY", .path = "total.memoryBytes", .format = CLI_BYTES},
	    {.title = "BOOKED", .path = "booked.memoryBytes", .format = CLI_BYTES},
	    {.title = "FREE", .path = "free.memoryBytes", .format = CLI_BYTES},
	    {.title = "LIVE CPU", .path = "live.cpuPermille"}, {.title = NULL}};
	static const cli_column plans[] = {{.title = "PLAN", .path = "plan"},
	    {.title = "FITS", .path = "fits"}, {.title = "ON HOSTS", .path = "hosts"}, {.title = NULL}};
	static const cli_column vlans[] = {{.title = "VLAN", .path = "vlan"},
	    {.title = "GROUP", .path = "group"}, {.title = "ADDRESSES LEFT", .path = "free"},
	    {.title = NULL}};
	static const cli_column apps[] = {{.title = "APP", .path = "app"},
	    {.title = "INSTANCES", .path = "instances"},
	    {.title = "LOST WITH A HOST", .path = "worstLoss.host"},
	    {.title = "A RACK", .path = "worstLoss.rack"}, {.title = "A ZONE", .path = "worstLoss.az"},
	    {.title = NULL}};
	print_sums("all", cli_at(o, "all"));
	print_stranded(cli_at(o, "stranded"));
	if (whole(o, "rebalance.moves") > 0)
		printf("rebalance  %lld moves would pay off, %lld of them mend a rule: rebalance --plan\n",
		    whole(o, "rebalance.moves"), whole(o, "rebalance.mends"));
	printf("\n");
	print_table(groups, cli_at(o, "groups"));
	printf("\n");
	print_table(plans, cli_at(o, "plans"));
	printf("\n");
	print_table(vlans, cli_at(o, "vlans"));
	printf("\n");
	print_table(apps, cli_at(o, "apps"));
}

cli_exit run_capacity(const cli_call *call)
{
	char *path = cli_query_path(call);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	const json_t *one = cli_at(reply.json, "app");
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, reply.json);
	} else if (result == CLI_OK) {
		print_capacity(reply.json);
		if (json_is_object(one))
			printf("\n%s%lld more instances of %s fit\n",
			    json_is_true(cli_at(one, "isCut")) ? "at least " : "", whole(one, "fits"),
			    cli_text_at(one, "app"));
	}
	cli_reply_clear(&reply);
	free(path);
	return result;
}

/* ---- rebalance ---- */
static cli_exit plan_rebalance(const cli_call *call)
{
	static const cli_column moves[] = {{.title = "INSTANCE", .path = "instance"},
	    {.title = "FROM", .path = "from"}, {.title = "TO", .path = "to"},
	    {.title = "GAIN", .path = "gain", .format = CLI_REAL},
	    {.title = "MENDS A RULE", .path = "mends"}, {.title = NULL}};
	const char *most = cli_option_of(call, "max-moves", 0);
	bool all = cli_option_of(call, "include-pinned", 0) != NULL;
	char path[256];
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	char *escaped = cli_escape(most != NULL ? most : "20");
	(void)snprintf(path, sizeof(path), "%s?maxMoves=%.100s%s", call->command->path, escaped,
	    all ? "&includePinned=true" : "");
	free(escaped);
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && cli_is_data(call)) {
		cli_print_data(call, reply.json);
	} else if (result == CLI_OK) {
		print_table(moves, cli_at(reply.json, "moves"));
		printf("%zu moves; nothing was changed. etag %s\n",
		    json_array_size(cli_at(reply.json, "moves")), cli_text_at(reply.json, "etag"));
	}
	cli_reply_clear(&reply);
	return result;
}

cli_exit run_rebalance(const cli_call *call)
{
	const char *most = cli_option_of(call, "max-moves", 0);
	const char *parallel = cli_option_of(call, "parallel", 0);
	bool all = cli_option_of(call, "include-pinned", 0) != NULL;
	if (cli_option_of(call, "plan", 0) != NULL)
		return plan_rebalance(call);
	json_t *body = json_pack("{s:b}", "includePinned", all);
	bool right =
	    cli_set_number(body, "--max-moves", "maxMoves", most != NULL ? most : "0") &&
	    cli_set_number(body, "--parallel", "parallel", parallel != NULL ? parallel : "0") &&
	    cli_set_text(body, call, "if-still-true", "ifStillTrue", NULL);
	return cli_send_if(call, right, "POST", body);
}
