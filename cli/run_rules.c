/* Commands that change rules: placement of apps, hosts and their classes, plans, teams, mixing. */
#include "cli.h"

#include "sot_parse.h"

#include <stdlib.h>
#include <string.h>

/* ---- amounts ---- */

/* "--cpu=0.5": cores, as thousandths. */
static bool set_cores(json_t *body, const cli_call *call, const char *option, const char *field)
{
	const char *text = cli_option_of(call, option, 0);
	double cores = 0;
	if (text == NULL)
		return true;
	if (sot_parse_double(sot_str_c(text), &cores, NULL) != SOT_OK || cores < 0 || cores > 2e6) {
		cli_say("error: --%s=%s is no number of cores such as 0.5 or 4", option, text);
		return false;
	}
	return json_object_set_new(body, field, json_integer((json_int_t)(cores * 1000 + 0.5))) == 0;
}

/* "--memory=512M" as bytes. */
static bool set_bytes(json_t *body, const cli_call *call, const char *option, const char *field)
{
	const char *text = cli_option_of(call, option, 0);
	uint64_t bytes = 0;
	if (text == NULL)
		return true;
	if (sot_parse_size(sot_str_c(text), &bytes, NULL) != SOT_OK || bytes > INT64_MAX) {
		cli_say("error: --%s=%s is no size such as 512M or 2G", option, text);
		return false;
	}
	return json_object_set_new(body, field, json_integer((json_int_t)bytes)) == 0;
}

/* "--cpu-overcommit=4" as thousandths. */
static bool set_ratio(json_t *body, const cli_call *call, const char *option, const char *field)
{
	const char *text = cli_option_of(call, option, 0);
	double ratio = 0;
	if (text == NULL)
		return true;
	if (sot_parse_double(sot_str_c(text), &ratio, NULL) != SOT_OK || ratio < 0.1 || ratio > 100) {
		cli_say("error: --%s=%s is no ratio from 0.1 to 100", option, text);
		return false;
	}
	return json_object_set_new(body, field, json_integer((json_int_t)(ratio * 1000 + 0.5))) == 0;
}

/* ---- placement ---- */

/* The object under that name, made when it is not there. */
static json_t *member(json_t *object, const char *name)
{
	json_t *found = json_object_get(object, name);
	if (json_is_object(found))
		return found;
	found = json_object();
	(void)json_object_set_new(object, name, found);
	return found;
}

/* One word of "--spread=az:skew=1:count=3": skew=N, count=N, hard (no preference), none. */
static bool set_spread_word(json_t *level, sot_str word)
{
	sot_str rest = word, name = sot_str_cut(word, '=', &rest);
	int64_t value = 0;
	if (sot_str_eq_c(word, "none"))
		return json_object_clear(level) == 0 &&
		       json_object_set_new(level, "prefer", json_false()) == 0;
	if (sot_str_eq_c(word, "prefer") || sot_str_eq_c(word, "hard"))
		return json_object_set_new(level, "prefer", json_boolean(sot_str_eq_c(word, "prefer"))) ==
		       0;
	if ((!sot_str_eq_c(name, "skew") && !sot_str_eq_c(name, "count")) ||
	    sot_parse_i64(rest, 0, 10000, &value, NULL) != SOT_OK)
		return false;
	return json_object_set_new(level, sot_str_eq_c(name, "skew") ? "maxSkew" : "maxCount",
	           json_integer(value)) == 0;
}

static bool set_spread(json_t *placement, const char *text)
{
	sot_str rest = sot_str_c(text), name = sot_str_cut(rest, ':', &rest);
	char level[8] = "";
	bool right =
	    sot_str_copy(name, level, sizeof(level), NULL) == SOT_OK &&
	    (strcmp(level, "az") == 0 || strcmp(level, "rack") == 0 || strcmp(level, "host") == 0) &&
	    rest.n > 0;
	while (right && rest.n > 0)
		right = set_spread_word(
		    member(member(placement, "spread"), level), sot_str_cut(rest, ':', &rest));
	if (!right)
		cli_say("error: --spread=%s is not LEVEL:WORD[:WORD...] with level az, rack or host and "
		        "words prefer, hard, none, skew=N, count=N",
		    text);
	return right;
}

static bool set_spreads(json_t *placement, const cli_call *call)
{
	for (size_t i = 0; cli_option_of(call, "spread", i) != NULL; i++)
		if (!set_spread(placement, cli_option_of(call, "spread", i)))
			return false;
	return true;
}

/* "--apart=APP[:LEVEL[:COUNT]]" and its two sisters. */
static bool add_relation(json_t *list, const char *option, const char *kind, const char *text)
{
	sot_str rest = sot_str_c(text), app = sot_str_cut(rest, ':', &rest);
	sot_str level = sot_str_cut(rest, ':', &rest);
	int64_t count = 0;
	if (app.n == 0 || (rest.n > 0 && sot_parse_i64(rest, 0, 10000, &count, NULL) != SOT_OK)) {
		cli_say("error: --%s=%s is not APP[:LEVEL%s]", option, text,
		    strcmp(kind, "apart") == 0 ? "[:COUNT]" : "");
		return false;
	}
	json_t *item = json_pack("{s:s, s:s%, s:s%, s:I}", "kind", kind, "app", app.p, app.n, "level",
	    level.n ? level.p : "host", level.n ? level.n : 4, "count", (json_int_t)count);
	return item != NULL && json_array_append_new(list, item) == 0;
}

static bool set_relations(json_t *placement, const cli_call *call)
{
	static const struct {
		const char *option, *kind;
	} kinds[] = {
	    {"apart", "apart"}, {"together", "together"}, {"prefer-together", "prefer_together"}};
	json_t *list = json_array();
	bool given = cli_option_of(call, "no-relations", 0) != NULL;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		for (size_t i = 0; cli_option_of(call, kinds[k].option, i) != NULL; i++) {
			given = true;
			if (!add_relation(list, kinds[k].option, kinds[k].kind,
			        cli_option_of(call, kinds[k].option, i))) {
				json_decref(list);
				return false;
			}
		}
	}
	if (given)
		return json_object_set_new(placement, "relations", list) == 0;
	json_decref(list);
	return true;
}

bool cli_set_placement(json_t *body, const cli_call *call)
{
	json_t *placement = member(body, "placement"), *tags = member(placement, "tags");
	return cli_set_text(body, call, "team", "team", NULL) &&
	       cli_set_text(placement, call, "workload", "workload", NULL) &&
	       cli_set_text(placement, call, "exclusive", "exclusive", NULL) &&
	       cli_set_option_number(placement, call, "priority", "priority") &&
	       cli_set_flag(placement, call, "preemptable", "preemptable") &&
	       cli_set_option_number(placement, call, "max-unavailable", "maxUnavailable") &&
	       set_spreads(placement, call) && cli_set_texts(tags, call, "require", "required") &&
	       cli_set_texts(tags, call, "forbid", "forbidden") &&
	       cli_set_texts(tags, call, "prefer", "preferred") &&
	       cli_set_texts(tags, call, "tolerate", "tolerated") &&
	       cli_set_texts(placement, call, "zone", "zones") && set_relations(placement, call);
}

/* What the command names, read, changed by `set`, written back. */
static cli_exit update(const cli_call *call, const char *const *fields, size_t field_count,
    bool (*set)(json_t *body, const cli_call *call))
{
	json_t *body = NULL;
	cli_call plain = *call;
	cli_exit result;
	plain.option_count = 0; /* for the read: its options are no filters */
	result = cli_read_changeable(&plain, fields, field_count, &body);
	if (result == CLI_OK)
		return cli_send_if(call, set(body, call), "PUT", body);
	json_decref(body);
	return result;
}

cli_exit run_app_update(const cli_call *call)
{
	static const char *const fields[] = {"team", "placement"};
	return update(call, fields, 2, cli_set_placement);
}

/* ---- hosts and classes ---- */

static bool set_host(json_t *body, const cli_call *call)
{
	return cli_set_text(body, call, "class", "class", NULL) &&
	       cli_set_texts(body, call, "tag", "tags") && cli_set_texts(body, call, "repel", "repels");
}

cli_exit run_host_set(const cli_call *call)
{
	static const char *const fields[] = {"class", "tags", "repels"};
	return update(call, fields, 3, set_host);
}

cli_exit run_host_class_set(const cli_call *call)
{
	json_t *body = json_object(), *over = member(body, "overcommit"),
	       *reserve = member(body, "reserve");
	bool right = set_ratio(over, call, "cpu-overcommit", "cpuPermille") &&
	             set_ratio(over, call, "memory-overcommit", "memoryPermille") &&
	             set_ratio(over, call, "disk-overcommit", "diskPermille") &&
	             set_cores(reserve, call, "reserve-cpu", "cpuMilli") &&
	             set_bytes(reserve, call, "reserve-memory", "memoryBytes") &&
	             set_bytes(reserve, call, "reserve-disk", "diskBytes") &&
	             cli_set_option_number(body, call, "max-instances", "maxInstances") &&
	             cli_set_option_number(body, call, "max-starts", "maxStarts");
	return cli_send_if(call, right, "PUT", body);
}

/* ---- plans, teams, mixing ---- */

cli_exit run_plan_set(const cli_call *call)
{
	json_t *body = json_pack("{s:i}", "diskBytes", 0);
	bool right = cli_needed(call, "cpu") && cli_needed(call, "memory") &&
	             set_cores(body, call, "cpu", "cpuMilli") &&
	             set_bytes(body, call, "memory", "memoryBytes") &&
	             set_bytes(body, call, "disk", "diskBytes") &&
	             cli_set_flag(body, call, "cpu-pinned", "cpuPinned") &&
	             cli_set_option_number(body, call, "pids", "pidsMax") &&
	             cli_set_option_number(body, call, "io-weight", "ioWeight") &&
	             cli_set_option_number(body, call, "bandwidth-kbit", "bandwidthKbit");
	return cli_send_if(call, right, "PUT", body);
}

cli_exit run_team_set(const cli_call *call)
{
	json_t *body = json_object(), *quota = member(body, "quota");
	bool right = set_cores(quota, call, "cpu", "cpuMilli") &&
	             set_bytes(quota, call, "memory", "memoryBytes") &&
	             set_bytes(quota, call, "disk", "diskBytes") &&
	             cli_set_option_number(quota, call, "instances", "instances");
	return cli_send_if(call, right, "PUT", body);
}

cli_exit run_mixing_set(const cli_call *call)
{
	json_t *body = json_object();
	cli_call plain = *call;
	plain.arg_count = 2; /* the third one is of the body */
	return cli_send_if(
	    &plain, cli_set_number(body, "AT_MOST", "atMost", call->args[2]), "PUT", body);
}
