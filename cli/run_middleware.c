/* Middleware over many apps, and the settings of an app. */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

static void print_matched(const json_t *reply)
{
	const json_t *matched = json_object_get(reply, "matched"), *name;
	size_t at;
	printf("%lld apps, %lld at a time\n", (long long)json_integer_value(cli_at(matched, "count")),
	    (long long)json_integer_value(cli_at(matched, "parallel")));
	json_array_foreach(json_object_get(matched, "names"), at, name)
	{
		printf("    %s\n", json_string_value(name));
	}
	json_array_foreach(json_object_get(matched, "skipped"), at, name)
	{
		printf("left alone: %s\n", json_string_value(name));
	}
}

cli_exit run_middleware_rollout(const cli_call *call)
{
	json_t *body = call->arg_count == 2 ? json_pack("{s:s}", "version", call->args[1])
	                                    : json_pack("{s:b}", "back", 1);
	bool right =
	    cli_set_texts(body, call, "app", "apps") && cli_set_texts(body, call, "label", "labels") &&
	    cli_set_text(body, call, "environment", "environment", NULL) &&
	    cli_set_text(body, call, "team", "team", NULL) &&
	    cli_set_text(body, call, "runtime", "image", NULL) &&
	    cli_set_text(body, call, "having", "having", NULL) &&
	    cli_set_option_number(body, call, "parallel", "parallel") &&
	    cli_set_option_number(body, call, "failures-max", "failuresMax") &&
	    cli_set_option_number(body, call, "expect", "expect") && cli_add_strategy(body, call);
	return cli_send_planned(call, right, "POST", 0, body, print_matched);
}

cli_exit run_app_label(const cli_call *call)
{
	json_t *labels = json_array();
	bool right = true;
	for (size_t i = 1; right && i < call->arg_count; i++)
		right = json_array_append_new(labels, json_string(call->args[i])) == 0;
	if (!right)
		cli_say("error: a label is not UTF-8");
	return cli_send_planned(
	    call, right, "PUT", 0, json_pack("{s:o}", "labels", labels), print_matched);
}

cli_exit run_app_maintenance(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_texts(body, call, "window", "windows") &&
	             cli_set_texts(body, call, "opt-out", "optOuts");
	return cli_send_planned(call, right, "PUT", 0, body, print_matched);
}

cli_exit run_app_retention(const cli_call *call)
{
	json_t *body = json_object();
	bool right = cli_set_number(body, "KEEP", "keepVersions", call->args[1]) &&
	             cli_set_option_number(body, call, "days", "keepDays");
	return cli_send_planned(call, right, "PUT", 0, body, print_matched);
}
