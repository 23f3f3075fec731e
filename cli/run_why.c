/* `sotalia why`: the decisions and refusals of the scheduler in words. */
#include "placement.h"

#include "sot_uuid.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static long long whole(const json_t *object, const char *path)
{
	return (long long)json_integer_value(cli_at(object, path));
}

void placement_print_need(const json_t *need)
{
	printf("%g cores, %lld MiB memory, %lld MiB disk", (double)whole(need, "cpuMilli") / 1000,
	    whole(need, "memoryBytes") >> 20, whole(need, "diskBytes") >> 20);
}

/* As tables do: by the column that formats ages. */
void placement_age(const char *time_text, char *ret, size_t size)
{
	static const cli_column age[] = {
	    {.title = "", .path = "t", .format = CLI_AGE}, {.title = NULL}};
	json_t *items = json_pack("[{s:s}]", "t", time_text);
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 4096);
	cli_table(age, items, false, (int64_t)time(NULL), &text);
	json_decref(items);
	(void)snprintf(ret, size, "%s", text.n > 0 && text.p[0] == '\n' ? text.p + 1 : "-");
	ret[strcspn(ret, "\n")] = '\0';
}

void placement_print_counts(const char *label, const json_t *reasons)
{
	printf("%s", label);
	for (size_t i = 0; i < json_array_size(reasons); i++)
		printf("%s%lld %s", i ? ", " : "", whole(json_array_get(reasons, i), "hosts"),
		    cli_text_at(json_array_get(reasons, i), "reason"));
	printf("\n");
}

void placement_print_hosts(const json_t *hosts)
{
	static const cli_column columns[] = {{.title = "HOST", .path = "host"},
	    {.title = "ZONE", .path = "az"}, {.title = "RACK", .path = "rack"},
	    {.title = "IN ZONE", .path = "crowding.az"}, {.title = "IN RACK", .path = "crowding.rack"},
	    {.title = "ON HOST", .path = "crowding.host"},
	    {.title = "COST", .path = "cost.total", .format = CLI_REAL},
	    {.title = "OPEN", .path = "cost.open", .format = CLI_REAL},
	    {.title = "LOAD", .path = "cost.load", .format = CLI_REAL},
	    {.title = "FIT", .path = "cost.fit", .format = CLI_REAL},
	    {.title = "PRESSURE", .path = "cost.pressure", .format = CLI_REAL},
	    {.title = "TAGS", .path = "cost.preference", .format = CLI_REAL}, {.title = NULL}};
	SOT_AUTO_BUF text;
	sot_buf_init(&text, 1024 * 1024);
	cli_table(columns, hosts, false, 0, &text);
	cli_print(&text);
}

static void print_best(const json_t *best)
{
	printf("%s", cli_text_at(best, "host"));
	if (cli_at(best, "short") != NULL)
		printf(" (%lld of %lld%s%s)", whole(best, "has"), whole(best, "needs"),
		    cli_text_at(best, "unit")[0] ? " " : "", cli_text_at(best, "unit"));
	else if (cli_at(best, "domain") != NULL)
		printf(" (%s %s has %lld)", cli_text_at(best, "level"), cli_text_at(best, "domain"),
		    whole(best, "has"));
	else if (cli_at(best, "state") != NULL)
		printf(" (%s)", cli_text_at(best, "state"));
}

static void print_reason(const json_t *reason)
{
	const json_t *best = cli_at(reason, "best");
	printf("  %lld %s", whole(reason, "hosts"), cli_text_at(reason, "name"));
	if (whole(reason, "only") > 0)
		printf(", %lld of them for nothing else", whole(reason, "only"));
	for (size_t i = 0; i < json_array_size(best); i++) {
		printf("%s", i ? ", " : "; nearest: ");
		print_best(json_array_get(best, i));
	}
	printf("\n");
}

void placement_print_refusal(const json_t *refusal)
{
	const json_t *reasons = cli_at(refusal, "reasons"), *nearest = cli_at(refusal, "nearest");
	printf("waits for %s\n", cli_text_at(refusal, "text"));
	for (size_t i = 0; i < json_array_size(reasons); i++)
		print_reason(json_array_get(reasons, i));
	if (!json_is_object(nearest))
		return;
	printf("  it would fit on %s with: ", cli_text_at(nearest, "host"));
	for (size_t i = 0; i < json_array_size(cli_at(nearest, "changes")); i++)
		printf("%s%s", i ? "; " : "",
		    cli_text_at(json_array_get(cli_at(nearest, "changes"), i), "text"));
	printf("\n");
}

/* Since when it waits, and when it is looked at again. */
static void print_waiting(const json_t *refusal)
{
	char age[64];
	placement_print_refusal(refusal);
	if (!json_is_true(cli_at(refusal, "open")))
		return;
	placement_age(cli_text_at(refusal, "since"), age, sizeof(age));
	printf("  since %s ago, %lld tries; next: when something of this is freed, at the latest %s\n",
	    age, whole(refusal, "tries"), cli_text_at(refusal, "nextTry"));
}

static void print_chosen(const json_t *why)
{
	json_t *hosts = json_array();
	(void)json_array_append(hosts, json_object_get(why, "chosen"));
	(void)json_array_extend(hosts, json_object_get(why, "runnersUp"));
	printf("asked for   ");
	placement_print_need(cli_at(why, "need"));
	printf("\ncandidates  %lld of %lld hosts", whole(why, "candidates"), whole(why, "hosts"));
	placement_print_counts(
	    json_array_size(cli_at(why, "refused")) > 0 ? ": " : "", cli_at(why, "refused"));
	printf("\n");
	placement_print_hosts(hosts);
	if (whole(why, "placedTogether") > 1)
		printf("\nthe first is where it is; candidates and the others are those of %s, the first "
		       "of %lld "
		       "placed together\n",
		    cli_text_at(why, "runnersUpOf"), whole(why, "placedTogether"));
	json_decref(hosts);
}

static void print_instance(const json_t *why)
{
	const json_t *refusal = cli_at(why, "refusal"), *chosen = cli_at(why, "chosen");
	char age[64];
	if (json_is_object(refusal)) {
		printf("%s ", cli_text_at(why, "instance"));
		print_waiting(refusal);
	} else if (json_is_object(chosen)) {
		placement_age(cli_text_at(why, "decidedAt"), age, sizeof(age));
		printf("%s was placed on %s, VLAN %s, %s ago by operation %s\n",
		    cli_text_at(why, "instance"), cli_text_at(chosen, "host"), cli_text_at(chosen, "vlan"),
		    age, cli_text_at(why, "operationId"));
		if (strcmp(cli_text_at(why, "host"), cli_text_at(chosen, "host")) != 0)
			printf("it stands on %s now\n",
			    cli_text_at(why, "host")[0] ? cli_text_at(why, "host") : "no host");
		print_chosen(why);
	} else {
		printf("%s is %s; no decision about it is kept\n", cli_text_at(why, "instance"),
		    cli_text_at(why, "state"));
	}
}

static void print_operation(const json_t *why)
{
	const json_t *refusal = cli_at(why, "refusal"), *all = cli_at(why, "placements");
	printf("%s %s is %s%s%s\n", cli_text_at(why, "kind"), cli_text_at(why, "target"),
	    cli_text_at(why, "state"), cli_text_at(why, "error")[0] ? ": " : "",
	    cli_text_at(why, "error"));
	if (json_is_object(refusal) && json_is_true(cli_at(refusal, "open")))
		print_waiting(refusal);
	else if (cli_text_at(why, "waitsFor")[0])
		printf("waits for %s\n", cli_text_at(why, "waitsFor"));
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *one = json_array_get(all, i), *placed = cli_at(one, "placed");
		printf("%lld of %lld hosts were candidates for:\n", whole(one, "candidates"),
		    whole(one, "hosts"));
		for (size_t k = 0; k < json_array_size(placed); k++) {
			const json_t *item = json_array_get(placed, k);
			printf("  %-24s on %-16s before it of the app: %lld in the zone, %lld in the rack, "
			       "%lld on "
			       "the host\n",
			    json_string_value(json_array_get(item, 0)),
			    json_string_value(json_array_get(item, 1)),
			    (long long)json_integer_value(json_array_get(item, 3)),
			    (long long)json_integer_value(json_array_get(item, 4)),
			    (long long)json_integer_value(json_array_get(item, 5)));
		}
	}
}

cli_exit run_why(const cli_call *call)
{
	bool is_operation = sot_uuid_parse(sot_str_c(call->args[0]), &(sot_uuid){{0}}, NULL) == SOT_OK;
	char *path = cli_path(is_operation ? "/v1/operations/%s/why" : "/v1/instances/%s/why",
	    call->args, call->arg_count);
	cli_request q = {.method = "GET", .path = path};
	cli_reply reply;
	cli_exit result = cli_send(call, &q, &reply);
	if (result == CLI_OK && cli_is_data(call))
		cli_print_data(call, reply.json);
	else if (result == CLI_OK && is_operation)
		print_operation(reply.json);
	else if (result == CLI_OK)
		print_instance(reply.json);
	cli_reply_clear(&reply);
	free(path);
	return result;
}
