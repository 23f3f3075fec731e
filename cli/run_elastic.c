/* Rules of elastic scaling, from options or from a file. */
#include "cli.h"

#include "sot_file.h"
#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 65536, SCHEDULES_MAX = 16 };

static bool add_rule(json_t *body, json_t *rule)
{
	if (rule == NULL)
		return false;
	return json_array_append_new(json_object_get(body, "rules"), rule) == 0;
}

/* --cpu=50 */
static bool add_share(json_t *body, const cli_call *call, const char *metric)
{
	json_t *rule;
	if (cli_option_of(call, metric, 0) == NULL)
		return true;
	rule = json_pack("{s:s, s:s}", "name", metric, "metric", metric);
	if (cli_set_option_number(rule, call, metric, "target") &&
	    cli_set_option_number(rule, call, "window", "windowSeconds"))
		return add_rule(body, rule);
	json_decref(rule);
	return false;
}

/* --value=queue:100:sum */
static bool add_value(json_t *body, const cli_call *call, const char *text)
{
	const char *target = strchr(text, ':'), *sum = target != NULL ? strchr(target + 1, ':') : NULL;
	size_t end = sum != NULL ? (size_t)(sum - target - 1) : target != NULL ? strlen(target + 1) : 0;
	int64_t number = 0;
	json_t *rule;
	if (target == NULL || target == text || (sum != NULL && strcmp(sum, ":sum") != 0) ||
	    sot_parse_i64((sot_str){target + 1, end}, 1, 1000000000000, &number, NULL) != SOT_OK) {
		cli_say(
		    "error: --value=%s is not NAME:TARGET or NAME:TARGET:sum, such as queue:100:sum", text);
		return false;
	}
	rule = json_pack("{s:s%, s:s, s:s%, s:I, s:s}", "name", text, (size_t)(target - text), "metric",
	    "custom", "value", text, (size_t)(target - text), "target", (json_int_t)number, "sum",
	    sum != NULL ? "sum" : "average");
	if (rule != NULL && cli_set_option_number(rule, call, "window", "windowSeconds"))
		return add_rule(body, rule);
	json_decref(rule);
	return false;
}

/* 90, 90s, 30m, 10h, 2d */
static bool read_duration(sot_str text, int64_t *ret_s)
{
	static const struct {
		char unit;
		int64_t seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	int64_t unit = 1;
	for (size_t k = 0; text.n > 1 && k < sizeof(units) / sizeof(units[0]); k++) {
		if (text.p[text.n - 1] != units[k].unit)
			continue;
		unit = units[k].seconds;
		text.n--;
		break;
	}
	if (sot_parse_i64(text, 1, 604800, ret_s, NULL) != SOT_OK)
		return false;
	*ret_s *= unit;
	return true;
}

static sot_str next_word(sot_str *rest)
{
	size_t n = 0, blank = 0;
	while (blank < rest->n && rest->p[blank] == ' ')
		blank++;
	*rest = (sot_str){rest->p + blank, rest->n - blank};
	while (n < rest->n && rest->p[n] != ' ')
		n++;
	sot_str word = {rest->p, n};
	*rest = (sot_str){rest->p + n, rest->n - n};
	return word;
}

/* --schedule='6 10h Asia/Shanghai 0 8 * * mon-fri'; what the crontab line says is the server's to
 * check. */
static bool add_schedule(json_t *body, const char *text, size_t nth)
{
	sot_str rest = sot_str_c(text), count = next_word(&rest), lasts = next_word(&rest);
	sot_str zone = next_word(&rest);
	int64_t instances = 0, seconds = 0;
	char name[32];
	while (rest.n > 0 && rest.p[0] == ' ')
		rest = (sot_str){rest.p + 1, rest.n - 1};
	if (sot_parse_i64(count, 1, 10000, &instances, NULL) != SOT_OK ||
	    !read_duration(lasts, &seconds) || rest.n == 0) {
		cli_say("error: --schedule='%s' is not COUNT FOR ZONE and a line of a crontab, such as "
		        "'6 10h Asia/Shanghai 0 8 * * mon-fri'",
		    text);
		return false;
	}
	(void)snprintf(name, sizeof(name), "schedule-%zu", nth + 1);
	return add_rule(body, json_pack("{s:s, s:s, s:I, s:I, s:s%, s:s%}", "name", name, "metric",
	                          "schedule", "count", (json_int_t)instances, "forSeconds",
	                          (json_int_t)seconds, "zone", zone.p, zone.n, "cron", rest.p, rest.n));
}

static bool add_rules(json_t *body, const cli_call *call)
{
	(void)json_object_set_new(body, "rules", json_array());
	if (!add_share(body, call, "cpu") || !add_share(body, call, "memory"))
		return false;
	for (size_t i = 0; cli_option_of(call, "value", i) != NULL; i++)
		if (!add_value(body, call, cli_option_of(call, "value", i)))
			return false;
	for (size_t i = 0; i < SCHEDULES_MAX && cli_option_of(call, "schedule", i) != NULL; i++)
		if (!add_schedule(body, cli_option_of(call, "schedule", i), i))
			return false;
	if (json_array_size(json_object_get(body, "rules")) > 0)
		return true;
	cli_say("error: by what? say --cpu, --memory, --value or --schedule");
	return false;
}

static bool set_bounds(json_t *body, const cli_call *call)
{
	static const struct {
		const char *option, *field;
	} numbers[] = {{"min", "min"}, {"max", "max"}, {"up-step", "upStep"}, {"down-step", "downStep"},
	    {"up-cooldown", "upCooldownSeconds"}, {"down-cooldown", "downCooldownSeconds"},
	    {"stable", "stableSeconds"}, {"tolerance", "tolerancePercent"}};
	(void)json_object_set_new(body, "min", json_integer(1));
	for (size_t k = 0; k < sizeof(numbers) / sizeof(numbers[0]); k++)
		if (!cli_set_option_number(body, call, numbers[k].option, numbers[k].field))
			return false;
	if (cli_option_of(call, "disabled", 0) != NULL)
		(void)json_object_set_new(body, "enabled", json_false());
	return cli_set_text(body, call, "group", "group", NULL) &&
	       cli_set_flag(body, call, "dry-run", "dryRun");
}

static json_t *read_body(const char *path)
{
	SOT_AUTO_BUF text = {0};
	sot_err err = {0};
	json_error_t where;
	sot_buf_init(&text, FILE_MAX);
	if (sot_file_read(path, &text, &err) != SOT_OK) {
		cli_say("error: %s cannot be read: %s", path, err.text);
		return NULL;
	}
	json_t *body = json_loadb(sot_buf_str(&text).p, sot_buf_str(&text).n, 0, &where);
	if (body == NULL)
		cli_say("error: %s is no JSON: line %d: %s", path, where.line, where.text);
	return body;
}

cli_exit run_elastic_set(const cli_call *call)
{
	const char *file = cli_option_of(call, "file", 0);
	json_t *body;
	if (file != NULL) {
		body = read_body(file);
		return cli_send_if(call, body != NULL, "PUT", body);
	}
	body = json_object();
	return cli_send_if(call,
	    cli_needed(call, "max") && set_bounds(body, call) && add_rules(body, call), "PUT", body);
}
